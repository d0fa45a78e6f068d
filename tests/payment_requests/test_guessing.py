"""Whoever asks strangers for money learns who has an account: that has its budget."""

from flask import Flask

from tests import factories


def test_a_body_that_two_parsers_read_differently_is_no_way_around_the_budget(
    rate_limited: Flask,
) -> None:
    client, caller = rate_limited.test_client(), factories.actor()

    def guess(number: int) -> int:
        # The first amount fits no float, and the second one wins.
        body = f'{{"amount":1e400,"amount":"1.00","payer":{{"email":"g-{number}@example.com"}}}}'
        return client.post(
            "/api/v1/payment-requests",
            data=body,
            content_type="application/json",
            headers=caller.headers,
        ).status_code

    answers = [guess(number) for number in range(21)]

    assert answers == [404] * 20 + [429]
