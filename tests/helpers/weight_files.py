"""The tiny network in the formats that need a few lines each."""

import base64
import gzip
import json
import pickle
import struct

import h5py
import numpy as np
import pyarrow

from keyfilters.zoo.readers import caffemodel, coreml_mlmodel, tf_checkpoint, tf_pb
from tests.helpers.tfjs_files import graph, hwio, keras_config
from tests.helpers.tiny_networks import LAYERS, UP, weight

ALL = (*LAYERS, UP)


def iohw(layer):
    """The weight as formats with transposed convolutions of `[in, out/groups, kh, kw]` hold it."""
    return layer.weight.swapaxes(0, 1) if layer.kind == "transposed" else layer.weight


def save_h5(path, layers=ALL, config=True):
    """A Keras model with the state of its optimizer, or its weights alone."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if config else file
        for layer in layers:
            leaf = "depthwise_kernel:0" if layer.kind == "depthwise" else "kernel:0"
            root[f"{layer.name}/{layer.name}_1/{leaf}"] = hwio(layer)
            root[f"{layer.name}/{layer.name}_1/bias:0"] = np.zeros(3)
        if config:
            file.attrs["model_config"] = json.dumps(keras_config(layers))
            file.attrs["keras_version"] = "2.9.0"
            file["optimizer_weights/first/kernel:0"] = weight(3, 3, 2, 2)
    return path


def save_caffe(path, layers=ALL, newer=True, raw=False):
    """A chain of layers with a ReLU in place behind the first, in the newer or the older form."""
    net = caffemodel.MESSAGES["NetParameter"]()
    last = "data"
    for layer in layers:
        entry = net.layer.add() if newer else net.layers.add()
        deconvolves = layer.kind == "transposed"
        entry.name = layer.name
        entry.type = ("Deconvolution" if deconvolves else "Convolution") if newer else (39 if deconvolves else 4)
        entry.bottom.append(last)
        entry.top.append(layer.name)
        entry.convolution_param.group = layer.groups
        if layer.stride[0] == layer.stride[1]:
            entry.convolution_param.stride.append(layer.stride[0])
        else:
            entry.convolution_param.stride_h, entry.convolution_param.stride_w = layer.stride
        blob, array = entry.blobs.add(), iohw(layer)
        if newer:
            blob.shape.dim.extend(array.shape)
        else:
            blob.num, blob.channels, blob.height, blob.width = array.shape
        if raw:
            blob.raw_data_type, blob.raw_data = 2, array.astype("<f2").tobytes()
        else:
            blob.data.extend(array.ravel().tolist())
        last = layer.name
        if layer is layers[0]:
            relu = net.layer.add() if newer else net.layers.add()
            relu.name, relu.type = "relu", "ReLU" if newer else 18
            relu.bottom.append(last)
            relu.top.append(last)
    path.write_bytes(net.SerializeToString())
    return path


def save_graphdef(path, layers=ALL):
    document = tf_pb.MESSAGES["GraphDef"]()
    document.versions.producer = 561
    arrays = {f"{layer.name}/w": hwio(layer) for layer in layers}
    for node in graph(layers):
        entry = document.node.add(name=node["name"], op=node["op"], input=node["input"])
        if "strides" in node["attr"]:
            strides = [int(i) for i in node["attr"]["strides"]["list"]["i"]]
            entry.attr.add(key="strides").value.list.i.extend(strides)
        if node["name"] in arrays:
            array = arrays[node["name"]]
            tensor = entry.attr.add(key="value").value.tensor
            tensor.dtype, tensor.tensor_content = 1, array.tobytes()
            for size in array.shape:
                tensor.tensor_shape.dim.add(size=size)
    path.write_bytes(document.SerializeToString())
    return path


def varint(number):
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _block(entries, snappy=False):
    """A block of a LevelDB table, with keys that share what they can, and the five bytes behind it."""
    block, last = b"", b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(last, key, strict=False)) if a != b), min(len(last), len(key)))
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    block += struct.pack("<II", 0, 1)
    if snappy:
        block = pyarrow.Codec("snappy").compress(block, asbytes=True)
    return block + bytes([snappy]) + bytes(4)


def save_checkpoint(path, arrays, snappy=False):
    """`arrays` by name, and an index of them; `path` is that of the data."""
    data, entries = b"", [(b"", tf_checkpoint.MESSAGES["BundleHeaderProto"](num_shards=1).SerializeToString())]
    for name, array in sorted(arrays.items()):
        entry = tf_checkpoint.MESSAGES["BundleEntryProto"](dtype=1, offset=len(data), size=array.nbytes)
        for size in array.shape:
            entry.shape.dim.add(size=size)
        entries.append((name.encode(), entry.SerializeToString()))
        data += array.astype("<f4").tobytes()
    first = _block(entries, snappy)
    index = _block([(b"z", varint(0) + varint(len(first) - 5))])
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(index) - 5)
    table = first + index + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    path = path.with_name(f"{path.name}.data-00000-of-00001")
    path.write_bytes(data)
    path.with_name(path.name.replace(".data-00000-of-00001", ".index")).write_bytes(table)
    return path


def checkpoint_names(layers=LAYERS):
    leaves = {"depthwise": "depthwise_kernel"}
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    return {f"net/{layer.name}/{leaves.get(layer.kind, 'kernel')}{suffix}": hwio(layer) for layer in layers}


def save_flax(path, layers=LAYERS):
    # Of grouped convolutions too Flax has the inputs of one group.
    layers = {layer.name: {"kernel": layer.weight.transpose(2, 3, 1, 0), "bias": np.zeros(2)} for layer in layers}
    path.write_bytes(pickle.dumps({"params": layers}))
    return path


def save_coreml(path, layers=ALL, half=False):
    model = coreml_mlmodel.MESSAGES["Model"]()
    last = "image"
    for layer in layers:
        entry = model.neuralNetwork.layers.add(name=layer.name, input=[last], output=[layer.name])
        options, array = entry.convolution, iohw(layer)
        out, group_in, *size = layer.weight.shape
        options.outputChannels, options.nGroups = out, layer.groups
        options.kernelChannels = group_in * layer.groups if layer.kind == "transposed" else group_in
        options.isDeconvolution = layer.kind == "transposed"
        options.kernelSize.extend(size)
        options.stride.extend(layer.stride)
        if half:
            options.weights.float16Value = array.astype("<f2").tobytes()
        else:
            options.weights.floatValue.extend(array.ravel().tolist())
        last = layer.name
    # A layer of softmax: field 175 of the layer, an empty message.
    softmax = b"\x0a\x04last" + b"\x12" + bytes([len(last)]) + last.encode() + varint(175 << 3 | 2) + b"\0"
    network = model.neuralNetwork.SerializeToString() + b"\x0a" + varint(len(softmax)) + softmax
    version = varint(1 << 3) + varint(4)
    path.write_bytes(version + varint(500 << 3 | 2) + varint(len(network)) + network)
    return path


def save_mxnet(path, layers=LAYERS):
    data = struct.pack("<QQQ", 0x112, 0, len(layers))
    for layer in layers:
        data += struct.pack("<Iii4q", 0xF993FAC9, 0, 4, *layer.weight.shape) + struct.pack("<iii", 1, 0, 0)
        data += layer.weight.tobytes()
    data += struct.pack("<Q", len(layers))
    for layer in layers:
        name = f"{layer.name}_weight".encode()
        data += struct.pack("<Q", len(name)) + name
    path.write_bytes(data)
    return path


def save_katago(path, layers):
    data = b"a-network\n8\n22\n"
    for layer in layers:
        out, channels, height, width = layer.weight.shape
        data += f"{layer.name}\n{height} {width} {channels} {out} 1 1\n@BIN@".encode() + hwio(layer).tobytes() + b"\n"
    data += b"fc 2 2\n@BIN@" + bytes(16) + b"\n"
    path.write_bytes(gzip.compress(data))
    return path


def save_tza(path, layers=LAYERS, before=b""):
    start, table, data = 12, struct.pack("<I", len(layers) + 1), b""
    for name, array, layout in [*((x.name, x.weight, b"oihw") for x in layers), ("bias", np.zeros(2, "<f4"), b"x")]:
        table += struct.pack("<H", len(name)) + name.encode() + bytes([array.ndim])
        table += struct.pack(f"<{array.ndim}I", *array.shape) + layout + b"f" + struct.pack("<Q", start + len(data))
        data += array.tobytes()
    path.write_bytes(before + struct.pack("<HBBQ", 0x41D7, 2, 0, start + len(data)) + data + table)
    return path


def save_dlib(path, layers):
    def integer(number):
        size = (number.bit_length() + 7) // 8
        return bytes([size]) + number.to_bytes(size, "little")

    data = b"\x01\x01"
    for layer in layers:
        out, _, height, width = layer.weight.shape
        data += b"\x01\x05con_4" + integer(2) + integer(layer.weight.size + out) + integer(1) * 3
        data += layer.weight.tobytes() + bytes(4 * out) + integer(out) + integer(height) + integer(width)
        data += integer(layer.stride[0]) + integer(layer.stride[1])
    path.write_bytes(data + b"\x01\x05input")
    return path


def save_bundle(path, layers=ALL):
    """A bundle of JavaScript with the model as a string of JSON."""
    weights = [{"name": f"{layer.name}/w", "shape": hwio(layer).shape, "dtype": "float32"} for layer in layers]
    manifest = [{"paths": ["a.bin"], "weights": weights}]
    document = json.dumps({"modelTopology": {"node": graph(layers)}, "weightsManifest": manifest})
    data = base64.b64encode(b"".join(hwio(layer).tobytes() for layer in layers)).decode()
    text = f"""9:e=>{{e.exports="data:application/octet-stream;base64,{data}"}},8:e=>{{e.exports='{document}'}}"""
    path.write_text(text)
    return path


def save_literal(path, layers=ALL):
    """An object literal, minified as the tools of nsfwjs do, and a module for each shard."""
    data = b"".join(hwio(layer).tobytes() for layer in layers)
    weights = ",".join(
        f'{{name:"{layer.name}/w",shape:[{",".join(map(str, hwio(layer).shape))}],dtype:"float32"}}' for layer in layers
    )
    nodes = (
        json.dumps(graph(layers))
        .replace('"name":', "name:")
        .replace('"op": "', "op:'")
        .replace('", "input"', "',input")
    )
    paths = []
    for i, part in enumerate((data[:50], data[50:])):
        paths.append(f'"group1-shard{i + 1}of2"')
        path.with_name(f"group1-shard{i + 1}of2.min.js").write_text(
            f'(function(e,n){{n.exports="{base64.b64encode(part).decode()}"}})'
        )
    path.write_text(
        f"(function(e,n){{n.exports={{trained:!0,rate:-.5e-3,modelTopology:{{node:{nodes}}},"
        f"weightsManifest:[{{paths:[{','.join(paths)}],weights:[{weights}]}}]}}}})"
    )
    return path
