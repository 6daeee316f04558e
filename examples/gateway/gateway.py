"""The example's gateway. It has the interface of ML Zoomcamp's: POST /predict with {"url": "<address of a picture>"}.

It fetches the picture, scales it for the model, calls the model server at TF_SERVING_HOST over one gRPC channel and answers
with a score for each class. Headers of each answer name the pods and the images that answered.
"""

import io
import json
import os
import ssl
import urllib.request

import certifi
import grpc
import numpy
from flask import Flask, jsonify, request
from PIL import Image
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

CLASSES = ["dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"]
SIDE = 299  # width and height of the model's input, in pixels
FETCH_TIMEOUT = 5  # seconds to fetch a picture
PICTURE_LIMIT = 16 << 20  # bytes of a picture
PREDICT_TIMEOUT = 20  # seconds for a prediction, retries included

# A prediction changes nothing, so the channel may repeat a call whose server went away, and a call waits while there is no
# connection. Without both, calls would fail from the end of a model server until another one answers.
CALLS = json.dumps({"methodConfig": [{"name": [{}], "waitForReady": True, "retryPolicy": {
    "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"]}}]})
# Times in milliseconds. With gRPC's defaults an attempt to connect to a node that is gone takes 20 s, the next one may be 2
# minutes later, and a connection whose node is gone stays in use.
CHANNEL = [
    ("grpc.service_config", CALLS),
    ("grpc.per_rpc_retry_buffer_size", 4 << 20),  # bytes; a request has 1.1 MB, and a call is not repeated above 256 KiB by default
    ("grpc.min_reconnect_backoff_ms", 1000),  # bounds an attempt to connect, which takes milliseconds
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10000),  # a ping if a call waits as long; servers accept two, and forget them with each answer
    ("grpc.keepalive_timeout_ms", 3000),  # for the answer to a ping, and for the acknowledgement of anything sent (gRPC proposal A18)
]

channel = grpc.insecure_channel(os.environ.get("TF_SERVING_HOST", "localhost:8500"), options=CHANNEL)
stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

# Only these kinds of addresses: file:, which urlopen accepts too, would read the container's files.
opener = urllib.request.OpenerDirector()
for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certifi.where())),
                urllib.request.DataHandler(), urllib.request.HTTPRedirectHandler(), urllib.request.HTTPDefaultErrorHandler(),
                urllib.request.HTTPErrorProcessor(), urllib.request.UnknownHandler()):
    opener.add_handler(handler)

app = Flask("gateway")


def pixels(url):
    """The model's input for the picture at an address: values from -1 to 1. The shape is (1, SIDE, SIDE, 3)."""
    with opener.open(url, timeout=FETCH_TIMEOUT) as answer:
        picture = Image.open(io.BytesIO(answer.read(PICTURE_LIMIT)))
    picture = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST)
    return numpy.asarray(picture, dtype="float32")[None] / 127.5 - 1


def tensor_request(values):
    call = predict_pb2.PredictRequest()
    call.model_spec.name = os.environ.get("MODEL_NAME", "clothing-model")
    call.model_spec.signature_name = "serving_default"
    tensor = call.inputs["input_8"]
    tensor.dtype = types_pb2.DT_FLOAT
    for size in values.shape:
        tensor.tensor_shape.dim.add().size = size
    tensor.tensor_content = values.astype("<f4").tobytes()
    return call


def scores(answer):
    tensor = answer.outputs["dense_7"]
    values = tensor.float_val or numpy.frombuffer(tensor.tensor_content, "<f4").tolist()
    return dict(zip(CLASSES, values))


@app.post("/predict")
def predict():
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("url"), str):
        return jsonify(error='the body must be JSON with the address of a picture: {"url": "https://..."}'), 400
    try:
        values = pixels(body["url"])
    except (OSError, ValueError) as error:
        return jsonify(error=f"fetching the picture: {error}"), 400
    try:
        answer, call = stub.Predict.with_call(tensor_request(values), timeout=PREDICT_TIMEOUT)
    except grpc.RpcError as error:
        return jsonify(error=f"calling the model server: {error.code().name}: {error.details()}"), 503
    response = jsonify(scores(answer))
    # The stand-in's own metadata. TensorFlow Serving sends none, and the headers are absent then.
    for name, value in call.trailing_metadata() or ():
        if name in ("x-model-pod", "x-model-image"):
            response.headers[name.title()] = value
    return response


@app.get("/health")
def health():
    return "ok\n"


@app.after_request
def name_gateway(response):
    response.headers["X-Gateway-Pod"] = os.environ.get("HOSTNAME", "unknown")
    response.headers["X-Gateway-Image"] = os.environ.get("EXAMPLE_IMAGE", "unknown")
    return response
