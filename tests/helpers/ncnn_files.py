"""Small ncnn models."""

import numpy as np

from tests.helpers.tiny_networks import LAYERS, UP

KINDS = {"depthwise": "ConvolutionDepthWise", "transposed": "Deconvolution"}
TAGS = {"f4": (0).to_bytes(4, "little"), "f2": (0x01306B47).to_bytes(4, "little")}


def save(path, layers=(*LAYERS, UP), stored="f4", extra=()):
    """A chain of layers with a bias each; `extra`: lines of the graph and bytes that follow."""
    lines, data = ["Input x 0 1 x 0=9 1=9 2=3"], b""
    last = "x"
    for layer in layers:
        out, _, height, width = layer.weight.shape
        values = f"0={out} 1={width} 11={height} 3={layer.stride[1]} 13={layer.stride[0]} 5=1 6={layer.weight.size}"
        values += f" 7={layer.groups} -23310=1,0.1"
        lines.append(f"{KINDS.get(layer.kind, 'Convolution')} {layer.name} 1 1 {last} {layer.name} {values}")
        array = layer.weight.astype(f"<{stored}").tobytes()
        data += TAGS[stored] + array + bytes(-len(array) % 4) + np.ones(out, "<f4").tobytes()
        last = layer.name
    for line, content in extra:
        lines.append(line)
        data += content
    path.with_suffix(".param").write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n")
    path.with_suffix(".bin").write_bytes(data)
    return path.with_suffix(".bin")
