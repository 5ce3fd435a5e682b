from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from bench.failure import MeasuringFailed
from bench.run import Run, report_of

REPORT: dict[str, Any] = {
    "passed": True, "delivered": 150_000, "published": 300, "seconds": 1.0, "server_cpu_s": 0.6, "server_user_s": 0.06,
    "machine_busy_s": 1.0, "tool_cpu_s": 0.3, "wire_bytes": 51_000_000, "receipts": {"queued": 300},
}


def test_costs_are_of_one_delivery() -> None:
    run = Run.of_load(REPORT)
    assert run.cpu_us == pytest.approx(4.0)
    assert run.user_us == pytest.approx(0.4)
    assert run.busy_us == pytest.approx(0.7e6 / 150_000)
    assert run.queued == pytest.approx(0.002)


def test_who_has_no_receipts_has_not_queued() -> None:
    assert Run.of_load({**REPORT, "receipts": None}).queued == 0


def test_what_others_used_disturbs_and_what_server_and_tool_used_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert Run.of_load(REPORT).disturbance < 1
    busy = Run.of_load({**REPORT, "machine_busy_s": 1.4})
    # 0.5 s of two cores' second, less what ticks cannot tell.
    assert busy.others == pytest.approx(0.24)
    assert busy.disturbance == pytest.approx(2.4)


def test_where_the_machine_cannot_be_asked_nobody_else_was_there() -> None:
    run = Run.of_load({**REPORT, "machine_busy_s": None})
    assert (run.busy_us, run.others) == (None, 0)


def test_the_probe_counts_operations() -> None:
    report = {"operations": 2000, "seconds": 0.5, "server_cpu_s": 0.1, "server_user_s": 0.05, "machine_busy_s": 0.3, "tool_cpu_s": 0.1}
    assert Run.of_probe(report).cpu_us == pytest.approx(50)
    assert (Run.of_probe(report).events, Run.of_probe(report, events=7).events) == (0, 7)


@pytest.mark.parametrize("change", [{"delivered": 0}, {"server_cpu_s": None}])
def test_a_report_without_a_cost_is_no_measurement(change: dict[str, Any]) -> None:
    with pytest.raises(MeasuringFailed, match="did not say"):
        Run.of_load({**REPORT, **change})


def test_a_tool_that_fails_is_a_failure_with_what_it_said() -> None:
    code = "import sys; print('{\"passed\": false}'); print('1 delivery is missing', file=sys.stderr); sys.exit(1)"
    with pytest.raises(MeasuringFailed, match="(?s)^1 delivery is missing\n.*status 1 .*false"):
        report_of([sys.executable, "-c", code], 30)


def test_a_tool_that_does_not_end_is_a_failure() -> None:
    with pytest.raises(MeasuringFailed, match="not through after 0 s"):
        report_of([sys.executable, "-c", "import threading; threading.Event().wait()"], 0.2)


def test_tools_do_not_get_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSG_MAX_CONNECTIONS", "1")
    code = "import json, os; print(json.dumps(sorted(name for name in os.environ if name.startswith('WSG_'))))"
    monkeypatch.setenv("WSG_PEERS_ROOT", "/peers")
    assert json.dumps(report_of([sys.executable, "-c", code], 30)) == '["WSG_PEERS_ROOT"]'
