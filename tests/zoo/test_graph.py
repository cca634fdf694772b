"""Depths in a graph."""

from keyfilters.zoo.graph import greatest, longest_paths


def test_longest_paths_take_the_longer_branch_and_leave_constants_out():
    # 0 reads the input, 1 reads 0, 2 (a constant) reads nothing, 3 reads 0, 1 and 2.
    assert longest_paths([[], [0], [], [0, 1, 2]], [0]) == [1, 2, None, 3]


def test_longest_path_from_the_farthest_of_several_inputs():
    assert longest_paths([[], [0], [1]], [0, 2]) == [1, 2, 3]


def test_nodes_on_and_behind_a_cycle_have_no_depth():
    assert longest_paths([[], [0, 2], [1], [2]], [0]) == [1, None, None, None]


def test_a_node_that_reads_another_twice_waits_for_it_once_done():
    assert longest_paths([[1, 1], []], [1]) == [2, 1]


def test_a_chain_as_long_as_a_large_network_needs_no_recursion():
    count = 100_000
    depths = longest_paths([[], *([node] for node in range(count - 1))], [0])
    assert depths[-1] == count == greatest(depths)


def test_greatest_of_nothing_is_unknown():
    assert greatest([None]) is None
