-- What a purchase is, one transaction each: the statements and rows of ours, as pgbench sends them.
-- GATE, PICK_BUYER and PICK_PRODUCT are replaced by bench/limits.py.
\set buyer PICK_BUYER
\set product PICK_PRODUCT
SELECT user_id AS buyer_id, session_id, wallet_id AS buyer_wallet FROM bench_buyers WHERE n = :buyer \gset
SELECT id AS product_id FROM bench_products WHERE n = :product \gset
SELECT uuidv7() AS entry_id, uuidv7() AS order_id, uuidv7() AS debit_id, uuidv7() AS credit_id, gen_random_uuid() AS key \gset
BEGIN ISOLATION LEVEL SERIALIZABLE;
GATE
SELECT u.email FROM login_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = CAST(:session_id AS uuid) AND u.is_active AND s.revoked_at IS NULL AND s.expires_at > now();
SELECT status FROM idempotency_keys WHERE user_id = CAST(:buyer_id AS uuid) AND key = CAST(:key AS text);
SELECT merchant_id, price FROM products WHERE id = CAST(:product_id AS uuid) AND is_active AND available_units > 0 FOR UPDATE \gset
SELECT balance AS buyer_balance, sequence AS buyer_sequence FROM wallets WHERE user_id = CAST(:buyer_id AS uuid) AND currency = 'USD' FOR NO KEY UPDATE \gset
SELECT id AS merchant_wallet, balance AS merchant_balance, sequence AS merchant_sequence FROM wallets WHERE user_id = CAST(:merchant_id AS uuid) AND currency = 'USD' FOR NO KEY UPDATE \gset
INSERT INTO journal_entries (id, kind, reference_type, reference_id, initiator_id, idempotency_key, created_at) VALUES (CAST(:entry_id AS uuid), 'PURCHASE', 'order', CAST(:order_id AS uuid), CAST(:buyer_id AS uuid), CAST(:key AS text), now());
INSERT INTO wallet_transactions (id, journal_entry_id, wallet_id, sequence, type, status, amount, balance_before, balance_after, currency, description, reference_type, reference_id, created_at) VALUES (CAST(:debit_id AS uuid), CAST(:entry_id AS uuid), CAST(:buyer_wallet AS uuid), CAST(:buyer_sequence AS bigint) + 1, 'PAYMENT', 'COMPLETED', -CAST(:price AS bigint), CAST(:buyer_balance AS bigint), CAST(:buyer_balance AS bigint) - CAST(:price AS bigint), 'USD', 'Purchase: Benchmark', 'order', CAST(:order_id AS uuid), now()), (CAST(:credit_id AS uuid), CAST(:entry_id AS uuid), CAST(:merchant_wallet AS uuid), CAST(:merchant_sequence AS bigint) + 1, 'EARNING', 'COMPLETED', CAST(:price AS bigint), CAST(:merchant_balance AS bigint), CAST(:merchant_balance AS bigint) + CAST(:price AS bigint), 'USD', 'Sale: Benchmark', 'order', CAST(:order_id AS uuid), now());
UPDATE wallets SET balance = balance - CAST(:price AS bigint), sequence = sequence + 1, updated_at = now() WHERE id = CAST(:buyer_wallet AS uuid);
UPDATE wallets SET balance = balance + CAST(:price AS bigint), sequence = sequence + 1, updated_at = now() WHERE id = CAST(:merchant_wallet AS uuid);
UPDATE products SET available_units = available_units - 1, updated_at = now() WHERE id = CAST(:product_id AS uuid);
INSERT INTO orders (id, user_id, merchant_id, product_id, payment_method, status, quantity, unit_price, amount, fee, currency, idempotency_key, completed_at, created_at, updated_at) VALUES (CAST(:order_id AS uuid), CAST(:buyer_id AS uuid), CAST(:merchant_id AS uuid), CAST(:product_id AS uuid), 'WALLET', 'COMPLETED', 1, CAST(:price AS bigint), CAST(:price AS bigint), 0, 'USD', CAST(:key AS text), now(), now(), now());
INSERT INTO outbox_events (id, type, aggregate_type, aggregate_id, data, occurred_at) VALUES (uuidv7(), 'order-completed', 'order', CAST(:order_id AS uuid), jsonb_build_object('userId', CAST(:buyer_id AS text), 'merchantId', CAST(:merchant_id AS text), 'productId', CAST(:product_id AS text), 'quantity', 1, 'amount', CAST(:price AS bigint), 'fee', 0, 'currency', 'USD'), now()), (uuidv7(), 'balance-updated', 'wallet', CAST(:buyer_wallet AS uuid), jsonb_build_object('userId', CAST(:buyer_id AS text), 'transactionId', CAST(:debit_id AS text), 'journalEntryId', CAST(:entry_id AS text), 'type', 'PAYMENT', 'amount', -CAST(:price AS bigint), 'balance', CAST(:buyer_balance AS bigint) - CAST(:price AS bigint), 'currency', 'USD'), now()), (uuidv7(), 'balance-updated', 'wallet', CAST(:merchant_wallet AS uuid), jsonb_build_object('userId', CAST(:merchant_id AS text), 'transactionId', CAST(:credit_id AS text), 'journalEntryId', CAST(:entry_id AS text), 'type', 'EARNING', 'amount', CAST(:price AS bigint), 'balance', CAST(:merchant_balance AS bigint) + CAST(:price AS bigint), 'currency', 'USD'), now());
INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, created_at) VALUES (CAST(:buyer_id AS uuid), CAST(:key AS text), sha256('x'), 201, convert_to(repeat('x', 720), 'UTF8'), now());
COMMIT;
