"""How the time of a training step divides, with PyTorch's gradients of depthwise convolutions and with our own."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import drawn_images
from benchmarks.report import Report, Sample, mini
from keyfilters.config.training import Training
from keyfilters.models.build import build
from keyfilters.models.convolutions import depthwise_layers
from keyfilters.models.depthwise import use_own_backward
from keyfilters.training.loop import backward
from keyfilters.training.memory import keep_freed_memory
from keyfilters.training.state import optimiser

STEPS = 8  # of each way in a round, in turn; the median counts
PROFILED = 5
BATCH = 64
WAYS = ("PyTorch's gradients", "own", "own, memory kept")
NOTE = (
    "The mini study's network, {size} px, batches of {batch}, one thread: forward pass, backward pass and optimiser. "
    "Milliseconds of processor time, which other work on the machine moves less than wall time; the ratio is of the "
    "first to the last. Shares are of the processor time in PyTorch's operators, by its profiler, once, memory kept."
)

Step = Callable[[], None]


def report(rounds: int) -> Report:
    """Milliseconds a step and their ratio, with frozen and trained filters, and the shares of what a step does."""
    study = mini()
    torch.set_num_threads(1)
    ways = {
        name: [step(study.model.key_fields, study.image_size, name == "frozen", own) for own in (False, True)]
        for name in ("frozen", "trained")
    }
    fresh = {name: [milliseconds(*steps) for _ in range(rounds + 1)][1:] for name, steps in ways.items()}
    keep_freed_memory()  # for good, so all else comes first
    rows, numbers = [], {}
    for name, (theirs, ours) in ways.items():
        kept = [milliseconds(ours)[0] for _ in range(rounds + 1)][1:]
        samples = [Sample(tuple(values)) for values in (*zip(*fresh[name], strict=True), kept)]
        ratio = Sample(tuple(times[0] / after for times, after in zip(fresh[name], kept, strict=True)))
        times = {f"ms, {way}": sample.text(".1f") for way, sample in zip(WAYS, samples, strict=True)}
        rows.append({"depthwise filters": name, **times, "times as fast": ratio.text(".2f"), "n": rounds})
        numbers[name] = {way: sample.numbers for way, sample in zip(WAYS, samples, strict=True)}
        numbers[name]["ratio"] = ratio.numbers
        for title, one in (("PyTorch's", theirs), ("own", ours)):
            numbers[name][f"shares, {title}"] = divided = shares(one)
            rows.append({"depthwise filters": f"  {title}: " + ", ".join(f"{k} {v:.0%}" for k, v in divided.items())})
    return Report("A training step", rows, [NOTE.format(size=study.image_size, batch=BATCH)], numbers)


def step(model: dict, size: int, frozen: bool, own: bool) -> Step:
    """One step of a training on the same images again and again."""
    torch.manual_seed(0)
    network = build(model, drawn_images.CLASSES).to(memory_format=torch.channels_last).train()
    for layer in depthwise_layers(network).values():
        layer.weight.requires_grad_(not frozen)
    if own:
        use_own_backward(network)
    recipe = Training(epochs=1, batch_size=BATCH, learning_rate=1e-3, weight_decay=0.05, label_smoothing=0.1)
    optimizer = optimiser(network, recipe)
    images = torch.randn(BATCH, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.arange(BATCH) % drawn_images.CLASSES

    def one() -> None:
        backward(network, images, labels, recipe)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return one


def milliseconds(*steps: Step) -> list[float]:
    """Median processor time of each, which take turns."""
    spent: list[list[float]] = [[] for _ in steps]
    for _, (one, times) in product(range(STEPS), zip(steps, spent, strict=True)):
        began = time.process_time()
        one()
        times.append(1000 * (time.process_time() - began))
    return [sorted(times)[STEPS // 2] for times in spent]


def shares(one: Step) -> dict[str, float]:
    """Of the processor time of some steps: depthwise convolutions, and what else there is."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        for _ in range(PROFILED):
            one()
    events = profiler.key_averages(group_by_input_shape=True)
    total = sum(event.self_cpu_time_total for event in events)
    spent = dict.fromkeys(("depthwise forward", "depthwise backward", "products", "GELU", "norm", "optimiser"), 0.0)
    own = any(event.key == "DepthwiseConvolution" for event in events)
    for event in events:
        part = _part(event.key, event.input_shapes, own)
        if part:
            spent[part] += event.cpu_time_total / total
    return spent | {"rest": 1 - sum(spent.values())}


def _part(name: str, shapes: list[list[int]], own: bool) -> str | None:
    """What an operator, with all that it calls, belongs to; None for those that are part of another, and the rest."""
    depthwise = {"DepthwiseConvolution": "depthwise forward", "DepthwiseConvolutionBackward": "depthwise backward"}
    if not own and name in ("aten::conv2d", "aten::convolution_backward"):
        weight = shapes[1 if name == "aten::conv2d" else 2]
        if weight[1] == 1:
            return "depthwise forward" if name == "aten::conv2d" else "depthwise backward"
    if name.startswith("Optimizer.step"):
        return "optimiser"
    others = {
        "aten::mm": "products",
        "aten::addmm": "products",
        "aten::gelu": "GELU",
        "aten::gelu_backward": "GELU",
        "aten::native_layer_norm": "norm",
        "aten::native_layer_norm_backward": "norm",
    }
    return (depthwise | others).get(name)
