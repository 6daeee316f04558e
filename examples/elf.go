package examples

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// interpreter returns the path of the loader that starts a program.
func interpreter(program string) (string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", program, err)
	}
	defer f.Close()
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			path := make([]byte, segment.Filesz)
			if _, err := segment.ReadAt(path, 0); err != nil {
				return "", fmt.Errorf("reading %s: %w", program, err)
			}
			return strings.TrimRight(string(path), "\x00"), nil
		}
	}
	return "", fmt.Errorf("%s has no loader: it is linked statically, and cannot load Python's compiled modules", program)
}

// libraryName returns the name by which programs ask for a library, which its file need not have.
func libraryName(file string) (string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer f.Close()
	names, err := f.DynString(elf.DT_SONAME)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return cmp.Or(strings.Join(names, ""), filepath.Base(file)), nil
}

// walkLibraries calls visit for every compiled module and library below the folders.
func walkLibraries(visit func(path string) error, folders ...string) error {
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || !strings.Contains(entry.Name(), ".so") {
				return err
			}
			return visit(path)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkLibraries returns an error if a compiled module in the folders needs a library that none of them contains.
func checkLibraries(folders ...string) error {
	present, needed := map[string]bool{}, map[string]string{}
	err := walkLibraries(func(path string) error {
		present[filepath.Base(path)] = true
		f, err := elf.Open(path)
		if errors.As(err, new(*elf.FormatError)) { // such as a linker script
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		libraries, err := f.ImportedLibraries()
		for _, library := range libraries {
			needed[library] = path
		}
		return err
	}, folders...)
	if err != nil {
		return err
	}
	var missing []string
	for library, by := range needed {
		if !present[library] && !strings.HasPrefix(library, "ld-linux") {
			missing = append(missing, fmt.Sprintf("%s (for %s)", library, filepath.Base(by)))
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		return fmt.Errorf("this machine lacks shared libraries: %s; install the packages of your distribution that contain them", strings.Join(missing, ", "))
	}
	return nil
}

// Offsets in the header of a 64-bit ELF file (System V ABI): the table of sections, the number of its entries, and the index
// of the one with their names.
const (
	sectionsOffset     = 0x28
	sectionCountOffset = 0x3C
	sectionNamesOffset = 0x3E
)

// trim removes the symbols and the table of sections, which the loader does not read, from the end of a library. It shortens
// TensorFlow's by a quarter.
func trim(library string) error {
	f, err := elf.Open(library)
	if errors.As(err, new(*elf.FormatError)) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
		return nil
	}
	var end uint64
	for _, segment := range f.Progs {
		end = max(end, segment.Off+segment.Filesz)
	}
	w, err := os.OpenFile(library, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	for offset, size := range map[int64]int{sectionsOffset: 8, sectionCountOffset: 2, sectionNamesOffset: 2} {
		if _, err := w.WriteAt(make([]byte, size), offset); err != nil {
			return err
		}
	}
	if err := w.Truncate(int64(end)); err != nil {
		return err
	}
	return w.Close()
}
