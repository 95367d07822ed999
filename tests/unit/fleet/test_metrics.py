"""A fleet's figures as Prometheus reads them."""

from prometheus_client import CollectorRegistry, generate_latest

from heronry.fleet.metrics import FleetMetrics
from heronry.types.run import FleetStatistics

LABELS = '{environment="CartPole-v1",run_id="r1"}'


def exposed(statistics):
    registry = CollectorRegistry()
    registry.register(FleetMetrics(lambda: statistics))
    return generate_latest(registry).decode().splitlines()


def test_every_figure_of_the_run_is_exposed():
    statistics = FleetStatistics(
        run_id="r1",
        environment="CartPole-v1",
        num_steps=640,
        num_unrolls=5,
        num_unrolls_too_old=2,
        num_restarts=3,
        inference_time_s=1.5,
    )

    lines = exposed(statistics)

    assert f"heronry_fleet_steps_total{LABELS} 640.0" in lines
    assert f"heronry_fleet_unrolls_total{LABELS} 5.0" in lines
    assert f"heronry_fleet_unrolls_too_old_total{LABELS} 2.0" in lines
    assert f"heronry_fleet_restarts_total{LABELS} 3.0" in lines
    assert f"heronry_fleet_inference_seconds_total{LABELS} 1.5" in lines


def test_the_lag_histogram_counts_cumulatively_up_to_each_bound():
    statistics = FleetStatistics(run_id="r1", environment="CartPole-v1", policy_lag={0: 7, 3: 2, 100: 1})

    lines = exposed(statistics)

    found = {line.split('le="')[1].split('"')[0]: float(line.split()[-1]) for line in lines if 'le="' in line}
    assert found["0.0"] == 7
    assert found["2.0"] == 7
    assert found["4.0"] == 9
    assert found["64.0"] == 9
    assert found["+Inf"] == 10
    assert any(line.startswith("heronry_fleet_policy_lag_sum") and line.endswith(" 106.0") for line in lines)


def test_an_idle_fleet_exposes_no_figures():
    assert not [line for line in exposed(FleetStatistics()) if not line.startswith("#")]
