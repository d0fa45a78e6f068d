"""Number orders: short, unique, and without a trace of how many orders there are.

The column fills itself, so that code which knows nothing of it can insert orders meanwhile. Existing
orders are numbered in short transactions, which block no other for long.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0041_order_numbers"
down_revision = "0039_shops"

_BATCH = 2_000

# A balanced Feistel network is a permutation whatever its rounds compute, so no number is given
# twice. Its key is made here, once for each database: to change it, or to set the sequence back,
# would repeat numbers. The first 2^32 places have numbers of 11 digits, the next 2^38 have 13,
# neither of them as many as the number of a wallet.
_ORDER_NUMBER = r"""
    CREATE FUNCTION order_number(place bigint) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    DECLARE
        is_short CONSTANT boolean := place < 4294967296;
        bits CONSTANT integer := CASE WHEN is_short THEN 16 ELSE 19 END;
        mask CONSTANT bigint := (1 << bits) - 1;
        high bigint := (CASE WHEN is_short THEN place ELSE place - 4294967296 END) >> bits;
        low bigint := place & mask;
        mixed bytea;
        next bigint;
        digits text;
        product integer := 10;
        total integer;
    BEGIN
        IF high NOT BETWEEN 0 AND mask THEN
            RAISE 'There are no more numbers for orders';
        END IF;
        FOR round IN 1..4 LOOP
            mixed := sha256('\x{key}'::bytea || int4send(round) || int8send(low));
            next := high # ((get_byte(mixed, 0) << 16 | get_byte(mixed, 1) << 8
                | get_byte(mixed, 2)) & mask);
            high := low;
            low := next;
        END LOOP;
        digits := (CASE WHEN is_short THEN 1000000000 ELSE 100000000000 END
            + (high << bits | low))::text;
        FOR digit IN 1..length(digits) LOOP  -- ISO 7064, MOD 11,10
            total := (product + substr(digits, digit, 1)::integer) % 10;
            product := (CASE total WHEN 0 THEN 10 ELSE total END * 2) % 11;
        END LOOP;
        digits := digits || (11 - product) % 10;
        RETURN rtrim(concat_ws('-', substr(digits, 1, 4), substr(digits, 5, 4),
            substr(digits, 9, 4), substr(digits, 13)), '-');
    END $$
"""

# With the rights of its owner: the application may neither read the sequence nor set it.
_NEW_ORDER_NUMBER = """
    CREATE FUNCTION new_order_number() RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT order_number(nextval('order_places')) $$
"""

_NUMBER_OLD_ORDERS = sa.text("""
    WITH found AS (
        SELECT id FROM orders WHERE id > :after ORDER BY id LIMIT :batch FOR NO KEY UPDATE
    ), numbered AS (
        UPDATE orders SET number = new_order_number() FROM found
        WHERE orders.id = found.id AND orders.number IS NULL
    )
    SELECT id FROM found ORDER BY id DESC LIMIT 1
""")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    if not _is_begun():
        op.execute("CREATE SEQUENCE order_places MINVALUE 0")
        op.execute(_ORDER_NUMBER.replace("{key}", secrets.token_hex(16)))
        op.execute(_NEW_ORDER_NUMBER)
        op.add_column("orders", sa.Column("number", sa.String(), nullable=True))
        op.alter_column("orders", "number", server_default=sa.text("new_order_number()"))
    with op.get_context().autocommit_block():
        _number_old_orders()
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_orders_number")
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_orders_number ON orders (number)")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "ALTER TABLE orders ADD CONSTRAINT uq_orders_number UNIQUE USING INDEX uq_orders_number"
    )
    op.alter_column("orders", "number", nullable=False)


def _is_begun() -> bool:
    """Whether an attempt was interrupted after its first transaction."""
    inspector = sa.inspect(op.get_bind())
    return any(column["name"] == "number" for column in inspector.get_columns("orders"))


def _number_old_orders() -> None:
    last = "00000000-0000-0000-0000-000000000000"
    while last is not None:
        last = op.get_bind().scalar(_NUMBER_OLD_ORDERS, {"after": last, "batch": _BATCH})


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("orders", "number")
    op.execute("DROP FUNCTION new_order_number()")
    op.execute("DROP FUNCTION order_number(bigint)")
    op.execute("DROP SEQUENCE order_places")
