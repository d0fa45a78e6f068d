"""A request for money reveals whether its payer has an account, so it is rate limited."""

from flask import Flask

from tests import factories


def test_a_duplicate_json_field_finds_nobody(
    rate_limited: Flask,
) -> None:
    client, caller = rate_limited.test_client(), factories.actor()

    def guess(number: int) -> int:
        # Duplicate field: the first value overflows a float, and parsers use the last one.
        body = f'{{"amount":1e400,"amount":"1.00","payer":{{"email":"g-{number}@example.com"}}}}'
        return client.post(
            "/api/v1/payment-requests",
            data=body,
            content_type="application/json",
            headers=caller.headers,
        ).status_code

    assert [guess(number) for number in range(21)] == [400] * 21
