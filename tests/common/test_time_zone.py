"""Time zones: the data of Python, and that of PostgreSQL, which writes local times of exports."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import literal, select

from app.common.csv_export import time_cell
from app.common.db import reading
from app.common.time_zone import days_within, format_local, start_of, zone_names

WINTER, SUMMER = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (1, 7))


@pytest.mark.parametrize("time", [WINTER, SUMMER], ids=["winter", "summer"])
def test_postgresql_writes_the_local_time_of_every_zone(app: Flask, time: datetime) -> None:
    zones = [ZoneInfo(name) for name in sorted(zone_names())]
    with reading() as session:
        written = session.execute(select(*(time_cell(literal(time), zone) for zone in zones))).one()

    assert list(written) == [format_local(time, zone) for zone in zones]


def test_every_day_begins_with_a_quarter_of_an_hour() -> None:
    """Sums of sales are those of quarters of an hour."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(0, 366, 5)]
    for name in zone_names():
        zone = ZoneInfo(name)
        assert all(start_of(day, zone).timestamp() % 900 == 0 for day in days)


@pytest.mark.parametrize("name", ["America/New_York", "Africa/Cairo", "Asia/Kathmandu", "UTC"])
def test_the_days_of_a_year_follow_each_other(name: str) -> None:
    zone = ZoneInfo(name)
    since, until = start_of(date(2026, 1, 1), zone), start_of(date(2027, 1, 1), zone)
    days = list(days_within(since, until, zone))

    assert [day for day, _ in days] == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    moment, current = since, -1
    while moment < until:
        if current + 1 < len(days) and moment >= days[current + 1][1]:
            current += 1
        assert moment.astimezone(zone).date() == days[current][0]
        moment += timedelta(minutes=30)


def test_a_local_time_has_its_offset_and_utc_has_z() -> None:
    assert format_local(WINTER, ZoneInfo("UTC")) == "2026-01-01T12:00:00.000Z"
    assert format_local(WINTER, ZoneInfo("America/St_Johns")) == "2026-01-01T08:30:00.000-03:30"
    beginning = datetime.min.replace(tzinfo=UTC)
    assert format_local(beginning, ZoneInfo("America/New_York")) == "0001-01-01T00:00:00.000+00:00"
