"""make_model.py FOLDER PICTURE: write the example's SavedModel, and print its scores for a picture, computed without a server.

The model has the interface of ML Zoomcamp's clothing model, and random weights: input_8 of shape (n, 299, 299, 3) gives dense_7
of shape (n, 10). The same TensorFlow writes the same bytes.
"""

import json
import os
import sys

import tensorflow as tf

SIDE = 299  # width and height of the input, in pixels


class Model(tf.Module):
    def __init__(self):
        normal = tf.random.Generator.from_seed(1).normal
        self.first = tf.Variable(normal([7, 7, 3, 16]) * 0.05)
        self.second = tf.Variable(normal([3, 3, 16, 32]) * 0.05)
        self.classes = tf.Variable(normal([32, 10]))

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3], tf.float32, name="input_8")])
    def __call__(self, input_8):
        x = tf.nn.relu(tf.nn.conv2d(input_8, self.first, 4, "VALID"))
        x = tf.nn.relu(tf.nn.conv2d(x, self.second, 2, "VALID"))
        return {"dense_7": tf.linalg.matmul(tf.reduce_mean(x, [1, 2]), self.classes)}


folder, picture = sys.argv[1:]
model = Model()
tf.saved_model.save(model, folder, signatures={"serving_default": model.__call__})
os.remove(os.path.join(folder, "fingerprint.pb"))  # contains a random identifier, and loading does not need it

pixels = tf.image.resize(tf.io.decode_png(tf.io.read_file(picture), channels=3), (SIDE, SIDE), method="nearest")
scores = tf.saved_model.load(folder)(tf.cast(pixels, tf.float32)[None] / 127.5 - 1)["dense_7"]
print(json.dumps(scores[0].numpy().tolist()))
