"""The simulation of cells: what must hold, and that it agrees with what was measured."""

import random
from io import StringIO

import pytest
from rich.console import Console

from bench import cells
from bench.cells import ONE_MACHINE, Rules, Simulation, demand, one_machine, place, simulate


def slice_of(rate: float, *, seconds: float, seed: int = 1) -> Simulation:
    """Two cells, a fifth of whose purchases take part in both."""
    rng = random.Random(seed)
    simulation = Simulation(Rules(), 2, rng)
    at = 0.0
    while (at := at + rng.expovariate(rate)) < seconds:
        seller = rng.randrange(2)
        simulation.arrive(at, (seller, 1 - seller, seller) if rng.random() < 0.2 else (seller,))
    simulation.run(seconds)
    return simulation


def test_every_purchase_is_served_or_waits() -> None:
    simulation = slice_of(5_000, seconds=1)  # more than two cells can do
    outcome = simulation.outcome
    assert outcome.arrived == outcome.served + simulation.unfinished
    assert simulation.unfinished > 100
    simulation.run(60)
    assert outcome.arrived == outcome.served
    assert simulation.unfinished == 0


def test_no_batch_is_larger_than_the_largest() -> None:
    cell = slice_of(20_000, seconds=0.5).cells[0]
    assert cell.movements / cell.batches <= Rules().largest


@pytest.mark.parametrize(
    ("connections", "batch"),
    # The table of docs/performance.md, and its picture of batches from another, slower run.
    [(1, 1.0), (32, 13.9), (64, 26.3), (128, 46.4)],
)
def test_batches_are_as_large_as_measured(connections: int, batch: float) -> None:
    cell = one_machine(connections, seconds=10, seed=1)
    assert cell.movements / cell.batches == pytest.approx(batch, rel=0.15)


def test_one_machine_sells_as_much_as_measured() -> None:
    assert one_machine(32, seconds=10, seed=1).movements / 10 == pytest.approx(1_688, rel=0.1)
    assert ONE_MACHINE.mean_time(1) == pytest.approx(0.0029, rel=0.01)  # lone, without HTTP


def test_latency_rises_with_utilisation() -> None:
    latencies = []
    for share in (0.1, 0.4, 0.7, 0.95):
        outcome = slice_of(2 * Rules().capacity / 1.4 * share, seconds=4).outcome
        times = sorted(outcome.latencies[False])
        latencies.append(times[len(times) * 99 // 100])
    assert latencies == sorted(latencies)
    assert latencies[-1] > 2 * latencies[0]


def test_a_purchase_of_two_cells_takes_longer() -> None:
    latencies = slice_of(1_000, seconds=4).outcome.latencies
    middle = {kind: sorted(times)[len(times) // 2] for kind, times in latencies.items()}
    assert middle[True] > 2 * middle[False]


def test_merchants_are_placed_without_losing_any() -> None:
    levels, largest = place(10_000, 7, merchants=10**6, zipf=0.9)
    assert sum(levels) == pytest.approx(10_000)
    assert max(levels) == pytest.approx(min(levels))
    levels, largest = place(10_000, 7, merchants=10**6, zipf=1.4)
    assert sum(levels) == pytest.approx(10_000)
    assert max(levels) == pytest.approx(largest)
    assert largest > 2 * min(levels)


def test_a_purchase_of_two_cells_is_three_movements() -> None:
    assert sum(demand([100.0, 200.0, 300.0], 0.1)) == pytest.approx(600 * 1.2)


def test_a_merchant_who_is_too_large_for_a_cell_is_reported() -> None:
    row = simulate(10**9, Rules(), cross=0.0, merchants=10**6, zipf=1.2, seed=1)
    assert not row.fits
    assert row.hottest > 1


def test_the_table_is_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "SAMPLE", 2_000)

    def table(seed: int) -> str:
        rows = [
            simulate(day, Rules(), cross=0.1, merchants=10**6, zipf=0.9, seed=seed)
            for day in (10**6, 10**9)
        ]
        console = Console(width=120, file=StringIO(), record=True)
        console.print(cells.table_of(rows))
        return console.export_text()

    assert table(1) == table(1) != table(2)
    assert "1,000,000,000" in table(1)


@pytest.mark.parametrize(
    "arguments",
    ["--cross 1.5", "--cross -0.1", "--busiest 0", "--each 0", "--processes 0", "--zipf nan"],
)
def test_options_out_of_range_are_refused(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cells.main(arguments.split())
    assert stopped.value.code == 2
    assert "out of range" in capsys.readouterr().err
