"""Small TensorFlow Lite models, built with the functions that the schema's own package has."""

import flatbuffers
import numpy as np
import tflite

from tests.helpers.tiny_networks import LAYERS, UP

TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "uint8": tflite.TensorType.UINT8,
    "int8": tflite.TensorType.INT8,
    "int32": tflite.TensorType.INT32,
}
CODES = {
    "regular": tflite.BuiltinOperator.CONV_2D,
    "pointwise": tflite.BuiltinOperator.CONV_2D,
    "depthwise": tflite.BuiltinOperator.DEPTHWISE_CONV_2D,
    "transposed": tflite.BuiltinOperator.TRANSPOSE_CONV,
}


class Builder:
    """Tensors and operators of one subgraph."""

    def __init__(self):
        self.flat = flatbuffers.Builder()
        self.tensors, self.operators, self.buffers, self.codes = [], [], [b""], []

    def vector(self, start, values, prepend):
        start(self.flat, len(values))
        for value in reversed(values):
            prepend(value)
        return self.flat.EndVector()

    def tensor(self, name, shape, kind="float32", data=b"", scale=(), zero=(), axis=0, sparse=None):
        """The index of a new tensor."""
        flat = self.flat
        quantization = 0
        if len(scale):
            scales = flat.CreateNumpyVector(np.asarray(scale, np.float32))
            zeros = flat.CreateNumpyVector(np.asarray(zero, np.int64))
            tflite.QuantizationParametersStart(flat)
            tflite.QuantizationParametersAddScale(flat, scales)
            tflite.QuantizationParametersAddZeroPoint(flat, zeros)
            tflite.QuantizationParametersAddQuantizedDimension(flat, axis)
            quantization = tflite.QuantizationParametersEnd(flat)
        sparse = sparsity(flat, *sparse) if sparse else 0
        label = flat.CreateString(name)
        sizes = flat.CreateNumpyVector(np.asarray(shape, np.int32))
        tflite.TensorStart(flat)
        tflite.TensorAddShape(flat, sizes)
        tflite.TensorAddType(flat, TYPES[kind])
        tflite.TensorAddBuffer(flat, len(self.buffers) if data else 0)
        tflite.TensorAddName(flat, label)
        if quantization:
            tflite.TensorAddQuantization(flat, quantization)
        if sparse:
            tflite.TensorAddSparsity(flat, sparse)
        self.tensors.append(tflite.TensorEnd(flat))
        if data:
            self.buffers.append(data)
        return len(self.tensors) - 1

    def operator(self, code, inputs, outputs, stride=None):
        flat = self.flat
        if code not in self.codes:
            self.codes.append(code)
        options = options_type = 0
        if stride:
            name = {
                tflite.BuiltinOperator.CONV_2D: "Conv2DOptions",
                tflite.BuiltinOperator.DEPTHWISE_CONV_2D: "DepthwiseConv2DOptions",
                tflite.BuiltinOperator.TRANSPOSE_CONV: "TransposeConvOptions",
            }[code]
            getattr(tflite, f"{name}Start")(flat)
            getattr(tflite, f"{name}AddStrideH")(flat, stride[0])
            getattr(tflite, f"{name}AddStrideW")(flat, stride[1])
            options = getattr(tflite, f"{name}End")(flat)
            options_type = getattr(tflite.BuiltinOptions, name)
        reads = flat.CreateNumpyVector(np.asarray(inputs, np.int32))
        gives = flat.CreateNumpyVector(np.asarray(outputs, np.int32))
        tflite.OperatorStart(flat)
        tflite.OperatorAddOpcodeIndex(flat, self.codes.index(code))
        tflite.OperatorAddInputs(flat, reads)
        tflite.OperatorAddOutputs(flat, gives)
        if options:
            tflite.OperatorAddBuiltinOptions(flat, options)
            tflite.OperatorAddBuiltinOptionsType(flat, options_type)
        self.operators.append(tflite.OperatorEnd(flat))

    def finish(self, inputs=(0,)):
        """The bytes of the model."""
        flat = self.flat
        starts = flat.CreateNumpyVector(np.asarray(inputs, np.int32))
        tensors = self.vector(tflite.SubGraphStartTensorsVector, self.tensors, flat.PrependUOffsetTRelative)
        operators = self.vector(tflite.SubGraphStartOperatorsVector, self.operators, flat.PrependUOffsetTRelative)
        tflite.SubGraphStart(flat)
        tflite.SubGraphAddTensors(flat, tensors)
        tflite.SubGraphAddInputs(flat, starts)
        tflite.SubGraphAddOperators(flat, operators)
        graph = tflite.SubGraphEnd(flat)
        codes = []
        for code in self.codes:
            tflite.OperatorCodeStart(flat)
            tflite.OperatorCodeAddBuiltinCode(flat, code)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(flat, min(code, 127))  # the placeholder for greater
            codes.append(tflite.OperatorCodeEnd(flat))
        buffers = []
        for data in self.buffers:
            content = flat.CreateByteVector(data) if data else 0
            tflite.BufferStart(flat)
            if data:
                tflite.BufferAddData(flat, content)
            buffers.append(tflite.BufferEnd(flat))
        graphs = self.vector(tflite.ModelStartSubgraphsVector, [graph], flat.PrependUOffsetTRelative)
        codes = self.vector(tflite.ModelStartOperatorCodesVector, codes, flat.PrependUOffsetTRelative)
        buffers = self.vector(tflite.ModelStartBuffersVector, buffers, flat.PrependUOffsetTRelative)
        tflite.ModelStart(flat)
        tflite.ModelAddVersion(flat, 3)
        tflite.ModelAddOperatorCodes(flat, codes)
        tflite.ModelAddSubgraphs(flat, graphs)
        tflite.ModelAddBuffers(flat, buffers)
        flat.Finish(tflite.ModelEnd(flat), b"TFL3")
        return bytes(flat.Output())


def sparsity(flat, order, blocked, levels):
    """The table of a sparse tensor; a level is the size of a dense one, or segments and indices of a compressed one."""

    def vector(values):
        content = flat.CreateNumpyVector(np.asarray(values, np.int32))
        tflite.Int32VectorStart(flat)
        tflite.Int32VectorAddValues(flat, content)
        return tflite.Int32VectorEnd(flat)

    tables = []
    for level in levels:
        vectors = () if isinstance(level, int) else tuple(vector(values) for values in level)
        tflite.DimensionMetadataStart(flat)
        if vectors:
            kind = tflite.SparseIndexVector.Int32Vector
            tflite.DimensionMetadataAddFormat(flat, tflite.DimensionType.SPARSE_CSR)
            tflite.DimensionMetadataAddArraySegments(flat, vectors[0])
            tflite.DimensionMetadataAddArraySegmentsType(flat, kind)
            tflite.DimensionMetadataAddArrayIndices(flat, vectors[1])
            tflite.DimensionMetadataAddArrayIndicesType(flat, kind)
        else:
            tflite.DimensionMetadataAddDenseSize(flat, level)
        tables.append(tflite.DimensionMetadataEnd(flat))
    tflite.SparsityParametersStartDimMetadataVector(flat, len(tables))
    for table in reversed(tables):
        flat.PrependUOffsetTRelative(table)
    tables = flat.EndVector()
    order, blocked = (flat.CreateNumpyVector(np.asarray(values, np.int32)) for values in (order, blocked))
    tflite.SparsityParametersStart(flat)
    tflite.SparsityParametersAddTraversalOrder(flat, order)
    tflite.SparsityParametersAddBlockMap(flat, blocked)
    tflite.SparsityParametersAddDimMetadata(flat, tables)
    return tflite.SparsityParametersEnd(flat)


def stored(layer):
    """The weight of a layer in the layout of TensorFlow Lite: [out, kh, kw, in] or [1, kh, kw, out]."""
    return layer.weight.transpose(1, 2, 3, 0) if layer.kind == "depthwise" else layer.weight.transpose(0, 2, 3, 1)


def save(path, layers=(*LAYERS, UP), half=False):
    """A chain of layers; `half` stores the weights as float16 behind a DEQUANTIZE."""
    builder = Builder()
    channels = layers[0].weight.shape[1] * layers[0].groups
    last = builder.tensor("x", (1, 9, 9, channels))
    for layer in layers:
        array = stored(layer)
        weight = builder.tensor(
            f"{layer.name}/w",
            array.shape,
            "float16" if half else "float32",
            array.astype(np.float16 if half else np.float32).tobytes(),
        )
        if half:
            widened = builder.tensor(f"{layer.name}/w32", array.shape)
            builder.operator(tflite.BuiltinOperator.DEQUANTIZE, [weight], [widened])
            weight = widened
        output = builder.tensor(layer.name, (1, 9, 9, len(layer.weight)))
        inputs = [last, weight, -1]
        if layer.kind == "transposed":
            inputs = [builder.tensor("sizes", (4,), "int32", np.zeros(4, np.int32).tobytes()), weight, last]
        builder.operator(CODES[layer.kind], inputs, [output], layer.stride)
        last = output
    path.write_bytes(builder.finish())
    return path
