"""Laws that remember: the same object is asked once, another one anew, and further arguments count."""

from slidesum.laws import once as module
from slidesum.laws.once import once
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse


def test_a_law_is_asked_once_for_each_object_and_argument():
    asked = []

    @once
    def law(sized, more=0):
        asked.append(more)
        return sized.extents["i"] + more

    sized = [solve(parse("b i+u -> b i"), [(1, n)], {"u": 2}) for n in (5, 6)]
    assert [law(one) for one in (*sized, *sized)] == [4, 5, 4, 5]
    assert [law(sized[0], 1), law(sized[0], 1), law(sized[0])] == [5, 5, 4]
    assert asked == [0, 0, 1]


def test_no_more_is_kept_than_said(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    asked = []

    @once
    def law(sized):
        asked.append(sized)
        return sized.extents["i"]

    equation = parse("b i -> b i")
    for n in range(1, 20):
        assert law(solve(equation, [(1, n)])) == n
    assert len(asked) == 19
