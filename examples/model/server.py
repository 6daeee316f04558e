"""A stand-in for TensorFlow Serving. It is not TensorFlow Serving: that is published as a container image only.

It serves a SavedModel with TensorFlow itself and speaks TensorFlow Serving's API: PredictionService.Predict and
ModelService.GetModelStatus over gRPC, the model's status over REST. It takes the flags that this project sets, reads and
checks the batching parameters (but computes each request by itself), and ignores SIGTERM as TensorFlow Serving does. Metadata
at the end of each answer names the pod and the image; clients of TensorFlow Serving ignore it.
"""

import argparse
import http.server
import json
import os
import re
import signal
import sys
import time
from concurrent import futures

STAND_IN = "stand-in for TensorFlow Serving (example of tfserving)"
CONCURRENT_CALLS = 8  # threads that answer gRPC calls
BATCHING = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")


def flags(arguments):
    # The entrypoint of TensorFlow Serving's image passes the first four, from MODEL_NAME and MODEL_BASE_PATH.
    name = os.environ.get("MODEL_NAME", "model")
    p = argparse.ArgumentParser(prog="tensorflow_model_server", description=STAND_IN, allow_abbrev=False)
    p.add_argument("--port", type=int, default=8500)
    p.add_argument("--rest_api_port", type=int, default=8501)
    p.add_argument("--model_name", default=name)
    p.add_argument("--model_base_path", default=os.path.join(os.environ.get("MODEL_BASE_PATH", "/models"), name))
    p.add_argument("--grpc_channel_arguments", default="", type=channel_arguments)
    p.add_argument("--tensorflow_intra_op_parallelism", type=int, default=0)
    p.add_argument("--tensorflow_inter_op_parallelism", type=int, default=0)
    p.add_argument("--enable_batching", default=False, type=lambda text: {"true": True, "false": False}[text])
    p.add_argument("--batching_parameters_file", default="")
    p.add_argument("--address", default="0.0.0.0", help="only of the stand-in: the address to listen on")
    return p.parse_args(arguments)


def channel_arguments(text):
    """[("grpc.max_connection_age_ms", 60000)] of grpc.max_connection_age_ms=60000. gRPC takes whole numbers and text."""
    pairs = [pair.split("=", 1) for pair in text.split(",") if pair]
    return [(name, int(value) if re.fullmatch(r"-?\d+", value) else value) for name, value in pairs]


def batching_parameters(name):
    """Read a file of batching parameters in Protocol Buffers text format. A parameter that is unknown or not positive is an error."""
    with open(name) as file:
        text = file.read()
    entry = re.compile(r"\s*(\w+)\s*:?\s*\{\s*value\s*:\s*(-?\d+)\s*\}")
    parameters, at = {}, 0
    while text[at:].strip():
        match = entry.match(text, at)
        if not match:
            sys.exit(f"{name}: cannot parse {text[at:].strip().splitlines()[0]!r} as a batching parameter")
        parameter, value, at = match[1], int(match[2]), match.end()
        # No batch may wait (a timeout of 0), but every other parameter counts something.
        if parameter not in BATCHING or value < (parameter != "batch_timeout_micros"):
            sys.exit(f"{name}: {parameter} with value {value} is no batching parameter of {STAND_IN}: it knows {', '.join(BATCHING)}")
        parameters[parameter] = value
    return parameters


def newest_version(base):
    """The highest number among the folders of a model's versions."""
    versions = [int(folder) for folder in os.listdir(base) if folder.isdigit()] if os.path.isdir(base) else []
    if not versions:
        sys.exit(f"there is no version of a model in {base}; the stand-in holds: {', '.join(sorted(os.listdir(os.path.dirname(base) or '.')))}")
    return max(versions)


def serve(args):
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import (get_model_status_pb2, model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc)

    metadata = (("x-model-pod", os.environ.get("HOSTNAME", "unknown")), ("x-model-image", os.environ.get("EXAMPLE_IMAGE", "unknown")),
                ("x-model-server", STAND_IN))
    begin = time.monotonic()
    tf.config.threading.set_intra_op_parallelism_threads(args.tensorflow_intra_op_parallelism)
    tf.config.threading.set_inter_op_parallelism_threads(args.tensorflow_inter_op_parallelism)
    version = newest_version(args.model_base_path)
    model = tf.saved_model.load(os.path.join(args.model_base_path, str(version)))

    def check_name(spec, context):
        if spec.name != args.model_name:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({spec.name})")

    class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            context.set_trailing_metadata(metadata)
            check_name(request.model_spec, context)
            name = request.model_spec.signature_name or "serving_default"
            if name not in model.signatures:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature name: "{name}" not found in signature def')
            try:
                inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
                outputs = model.signatures[name](**inputs)
            except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            answer = predict_pb2.PredictResponse()
            answer.model_spec.name, answer.model_spec.signature_name, answer.model_spec.version.value = args.model_name, name, version
            for key, value in outputs.items():
                answer.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
            return answer

    class Models(model_service_pb2_grpc.ModelServiceServicer):
        def GetModelStatus(self, request, context):
            context.set_trailing_metadata(metadata)
            check_name(request.model_spec, context)
            answer = get_model_status_pb2.GetModelStatusResponse()
            answer.model_version_status.add(version=version, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE)
            return answer

    class Status(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "tensorflow-serving-stand-in", ""

        def do_GET(self):
            code, answer = 404, {"error": "Malformed request: GET " + self.path}
            if self.path == "/v1/models/" + args.model_name:
                code, answer = 200, {"model_version_status": [
                    {"version": str(version), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):  # a line for each probe would hide the rest
            pass

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=CONCURRENT_CALLS), options=args.grpc_channel_arguments)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Predictions(), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(), server)
    server.add_insecure_port(f"{args.address}:{args.port}")
    server.start()
    print(f"{STAND_IN}: model {args.model_name}, version {version}, loaded in {time.monotonic() - begin:.1f} s", flush=True)
    http.server.ThreadingHTTPServer((args.address, args.rest_api_port), Status).serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    args = flags(sys.argv[1:])
    print(f"{STAND_IN}, flags {sys.argv[1:]}", flush=True)
    if args.enable_batching and args.batching_parameters_file:
        print(f"batching parameters {batching_parameters(args.batching_parameters_file)}, read and checked only", flush=True)
    serve(args)
