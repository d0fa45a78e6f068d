"""The access matrix: the status of every route for every kind of caller.

user, merchant and admin have no relation to the records in the path. buyer owns an order, on-ramp,
payout, bank account and session, seller a product, coupon and sale. The buyer has requested a
refund of another order and has a hold in favour of the seller, who has requested a payment from
the buyer.
"""

import re
from typing import Any

from flask import Flask

from app.auth.models import Role

MATRIX = """
anonymous user merchant admin buyer seller
POST   /api/v1/auth/register                                     201 201 201 201 201 201
POST   /api/v1/auth/login                                        200 200 200 200 200 200
POST   /api/v1/auth/phone                                        200 200 200 200 200 200
POST   /api/v1/auth/refresh                                      401 401 401 401 401 401
POST   /api/v1/auth/refresh/cookie                               403 403 403 403 403 403
POST   /api/v1/auth/logout                                       401 204 204 204 204 204
GET    /api/v1/auth/me                                           401 200 200 200 200 200
PATCH  /api/v1/auth/me                                           401 200 200 200 200 200
POST   /api/v1/auth/password                                     401 204 204 204 204 204
POST   /api/v1/auth/password/forgotten                           204 204 204 204 204 204
POST   /api/v1/auth/password/reset                               400 400 400 400 400 400
POST   /api/v1/auth/email                                        401 204 204 204 204 204
POST   /api/v1/auth/email/verification                           401 409 409 409 409 409
POST   /api/v1/auth/email/verification/confirm                   400 400 400 400 400 400
POST   /api/v1/auth/phone/verification                           401 204 204 204 204 204
POST   /api/v1/auth/phone/verification/confirm                   401 400 400 400 400 400
GET    /api/v1/auth/sessions                                     401 200 200 200 200 200
DELETE /api/v1/auth/sessions/{login_session_id}                  401 404 404 404 204 404
GET    /api/v1/auth/two-factor                                   401 200 200 200 200 200
POST   /api/v1/auth/two-factor                                   401 201 201 201 201 201
POST   /api/v1/auth/two-factor/confirm                           401 409 409 409 409 409
DELETE /api/v1/auth/two-factor                                   401 409 409 409 409 409
POST   /api/v1/auth/two-factor/recovery-codes                    401 409 409 409 409 409
POST   /api/v1/auth/api-keys                                     401 403 201 403 403 201
GET    /api/v1/auth/api-keys                                     401 403 200 403 403 200
DELETE /api/v1/auth/api-keys/{api_key_id}                        401 403 404 403 403 204
POST   /api/v1/auth/stream-tickets                               401 201 201 201 201 201
GET    /api/v1/quotas                                            401 200 200 200 200 200
GET    /api/v1/wallet                                            401 200 200 200 200 200
POST   /api/v1/wallet/deposit                                    401 200 200 200 200 200
POST   /api/v1/wallet/withdraw                                   401 200 200 200 200 200
GET    /api/v1/wallet/transactions                               401 200 200 200 200 200
GET    /api/v1/wallet/transactions/export                        401 200 200 200 200 200
GET    /api/v1/wallet/transactions/{transaction_id}              401 404 404 404 200 404
GET    /api/v1/wallet/statement                                  401 200 200 200 200 200
GET    /api/v1/wallet/limits                                     401 200 200 200 200 200
POST   /api/v1/wallet/holds                                      401 201 201 201 201 201
GET    /api/v1/wallet/holds                                      401 200 200 200 200 200
GET    /api/v1/wallet/holds/{hold_id}                            401 404 404 404 200 200
POST   /api/v1/wallet/holds/{hold_id}/capture                    401 404 404 404 403 200
POST   /api/v1/wallet/holds/{hold_id}/void                       401 404 404 404 403 200
GET    /api/v1/wallet/reviews                                    401 200 200 200 200 200
GET    /api/v1/wallet/reviews/{review_id}                        401 404 404 404 404 404
GET    /api/v1/shop                                              401 403 200 403 403 200
PATCH  /api/v1/shop                                              401 403 200 403 403 200
PUT    /api/v1/shop/logo                                         401 403 200 403 403 200
DELETE /api/v1/shop/logo                                         401 403 200 403 403 200
GET    /api/v1/shops/{merchant_id}                               200 200 200 200 200 200
GET    /api/v1/products                                          200 200 200 200 200 200
POST   /api/v1/products                                          401 403 201 403 403 201
GET    /api/v1/products/merchant/my-products                     401 403 200 403 403 200
GET    /api/v1/products/merchant/export                          401 403 200 403 403 200
POST   /api/v1/products/import                                   401 403 200 403 403 200
GET    /api/v1/products/{product_id}                             200 200 200 200 200 200
PATCH  /api/v1/products/{product_id}                             401 403 403 403 403 200
DELETE /api/v1/products/{product_id}                             401 403 403 403 403 200
POST   /api/v1/products/{product_id}/images                      401 403 403 403 403 201
PATCH  /api/v1/products/{product_id}/images/{image_id}           401 403 403 403 403 200
DELETE /api/v1/products/{product_id}/images/{image_id}           401 403 403 403 403 204
GET    /api/v1/images/{image_id}/{side}.webp                     200 200 200 200 200 200
GET    /api/v1/categories                                        200 200 200 200 200 200
POST   /api/v1/products/{product_id}/codes                       401 403 403 403 403 400
GET    /api/v1/products/{product_id}/codes                       401 403 403 403 403 200
GET    /api/v1/products/{product_id}/codes/summary               401 403 403 403 403 200
GET    /api/v1/products/{product_id}/codes/uploads               401 403 403 403 403 200
GET    /api/v1/products/{product_id}/codes/uploads/{upload_id}   401 403 403 403 403 404
DELETE /api/v1/products/{product_id}/codes/{code_id}             401 403 403 403 403 404
POST   /api/v1/products/{product_id}/codes/{code_id}/revoke      401 403 403 403 403 404
POST   /api/v1/products/{product_id}/codes/{code_id}/reissue     401 403 403 403 403 404
GET    /api/v1/products/{product_id}/licence-terms               401 403 403 403 403 400
PUT    /api/v1/products/{product_id}/licence-terms               401 403 403 403 403 400
POST   /api/v1/products/{product_id}/licence-terms/apply         401 403 403 403 403 400
GET    /api/v1/products/{product_id}/licences                    401 403 403 403 403 200
POST   /api/v1/products/{product_id}/licences/{licence_id}/revoke 401 403 403 403 403 400
POST   /api/v1/products/{product_id}/licences/{licence_id}/reissue 401 403 403 403 403 400
GET    /api/v1/licences/keys                                     200 200 200 200 200 200
POST   /api/v1/licences/file                                     404 404 404 404 404 404
GET    /api/v1/licences/{licence_id}/activations                 401 404 404 404 404 404
DELETE /api/v1/licences/{licence_id}/activations/{activation_id} 401 404 404 404 404 404
POST   /api/v1/licences/validate                                 404 404 404 404 404 404
POST   /api/v1/licences/activate                                 404 404 404 404 404 404
POST   /api/v1/licences/deactivate                               404 404 404 404 404 404
PUT    /api/v1/products/{product_id}/file                        401 403 403 403 403 400
GET    /api/v1/products/{product_id}/file                        401 403 403 403 403 404
DELETE /api/v1/products/{product_id}/file                        401 403 403 403 403 404
POST   /api/v1/products/{product_id}/file/upload                 401 403 403 403 403 400
GET    /api/v1/products/{product_id}/file/upload                 401 403 403 403 403 404
DELETE /api/v1/products/{product_id}/file/upload/{upload_id}     401 403 403 403 403 404
POST   /api/v1/products/{product_id}/file/upload/{upload_id}/complete 401 403 403 403 403 404
PUT    /api/v1/products/{product_id}/file/upload/{upload_id}/parts/{number} 401 403 403 403 403 404
POST   /api/v1/orders                                            401 201 201 201 201 400
GET    /api/v1/orders                                            401 200 200 200 200 200
GET    /api/v1/orders/merchant/sales                             401 403 200 403 403 200
GET    /api/v1/orders/merchant/sales/export                      401 403 200 403 403 200
GET    /api/v1/orders/merchant/summary                           401 403 200 403 403 200
GET    /api/v1/insights/sales                                    401 403 200 403 403 200
GET    /api/v1/insights/transactions                             401 200 200 200 200 200
GET    /api/v1/insights/stats                                    401 403 403 200 403 403
GET    /api/v1/insights/slo                                      401 403 403 200 403 403
GET    /api/v1/insights/health                                   401 403 403 200 403 403
GET    /api/v1/orders/{order_id}                                 401 404 404 404 200 200
POST   /api/v1/orders/{order_id}/cancel                          401 404 404 404 409 404
GET    /api/v1/orders/{order_id}/delivery                        401 404 404 404 200 404
GET    /api/v1/orders/{order_id}/page                            401 404 404 404 200 404
POST   /api/v1/orders/{order_id}/page/revoke                     401 404 404 404 200 404
GET    /api/v1/transfers/{transfer_id}/receipt                   401 404 404 404 200 404
POST   /api/v1/transfers/{transfer_id}/receipt/revoke            401 404 404 404 200 404
POST   /api/v1/orders/{order_id}/refunds                         401 403 404 403 403 201
GET    /api/v1/orders/{order_id}/refunds                         401 404 404 404 200 200
GET    /api/v1/orders/{order_id}/refunds/preview                 401 403 404 403 403 200
POST   /api/v1/orders/{order_id}/refund-requests                 401 404 404 404 201 404
GET    /api/v1/refund-requests                                   401 200 200 200 200 200
POST   /api/v1/refund-requests/{refund_request_id}/approve       401 403 404 403 403 200
POST   /api/v1/refund-requests/{refund_request_id}/decline       401 403 404 403 403 200
POST   /api/v1/refund-requests/{refund_request_id}/withdraw      401 404 404 404 200 404
POST   /api/v1/coupons                                           401 403 201 403 403 201
GET    /api/v1/coupons                                           401 403 200 403 403 200
GET    /api/v1/coupons/{coupon_id}                               401 403 404 403 403 200
PATCH  /api/v1/coupons/{coupon_id}                               401 403 404 403 403 200
DELETE /api/v1/coupons/{coupon_id}                               401 403 404 403 403 204
POST   /api/v1/giveaways                                         401 403 403 403 403 201
GET    /api/v1/giveaways                                         401 403 200 403 403 200
GET    /api/v1/giveaways/{giveaway_id}                           401 403 404 403 403 200
GET    /api/v1/giveaways/{giveaway_id}/claims                    401 403 404 403 403 200
GET    /api/v1/giveaways/{giveaway_id}/file                      401 403 404 403 403 400
POST   /api/v1/giveaways/{giveaway_id}/close                     401 403 404 403 403 200
GET    /api/v1/giveaways/by-token/{giveaway_token}               200 200 200 200 200 200
POST   /api/v1/giveaways/by-token/{giveaway_token}/claim         401 201 201 201 201 400
POST   /api/v1/orders/{order_id}/downloads/reset                 401 403 404 403 403 404
GET    /api/v1/downloads/{download_token}                        404 404 404 404 404 404
POST   /api/v1/transfers                                         401 201 201 201 201 201
GET    /api/v1/transfers                                         401 200 200 200 200 200
GET    /api/v1/transfers/recipient                               401 200 200 200 200 200
GET    /api/v1/transfers/{transfer_id}                           401 404 404 404 200 200
POST   /api/v1/payment-requests                                  401 201 201 201 201 201
GET    /api/v1/payment-requests                                  401 200 200 200 200 200
GET    /api/v1/payment-requests/by-token/{payment_request_token} 200 200 200 200 200 200
GET    /api/v1/payment-requests/{payment_request_id}             401 404 404 404 200 200
POST   /api/v1/payment-requests/{payment_request_id}/pay         401 404 404 404 201 400
POST   /api/v1/payment-requests/{payment_request_id}/decline     401 404 404 404 200 403
POST   /api/v1/payment-requests/{payment_request_id}/cancel      401 404 404 404 403 200
GET    /api/v1/payment-requests/{payment_request_id}/qr.svg      401 404 404 404 200 200
GET    /api/v1/payment-requests/{payment_request_id}/qr.png      401 404 404 404 200 200
POST   /api/v1/merchant-codes                                    401 403 201 403 403 201
GET    /api/v1/merchant-codes                                    401 403 200 403 403 200
GET    /api/v1/merchant-codes/by-token/{merchant_code_token}     200 200 200 200 200 200
GET    /api/v1/merchant-codes/{merchant_code_id}                 401 403 404 403 403 200
POST   /api/v1/merchant-codes/{merchant_code_id}/deactivate      401 403 404 403 403 200
GET    /api/v1/merchant-codes/{merchant_code_id}/qr.svg          401 403 404 403 403 200
GET    /api/v1/merchant-codes/{merchant_code_id}/qr.png          401 403 404 403 403 200
GET    /api/v1/merchant-codes/{merchant_code_id}/sheet.svg       401 403 404 403 403 200
POST   /api/v1/merchant-codes/{merchant_code_token}/pay          401 201 201 201 201 400
POST   /api/v1/onramp                                            401 201 201 201 201 201
GET    /api/v1/onramp                                            401 200 200 200 200 200
GET    /api/v1/onramp/providers                                  200 200 200 200 200 200
GET    /api/v1/onramp/{onramp_id}                                401 404 404 404 200 404
GET    /api/v1/wallet/bank-accounts                              401 200 200 200 200 200
POST   /api/v1/wallet/bank-accounts                              401 201 201 201 201 201
DELETE /api/v1/wallet/bank-accounts/{bank_account_id}            401 404 404 404 204 404
POST   /api/v1/wallet/payouts                                    401 404 404 404 201 404
GET    /api/v1/wallet/payouts                                    401 200 200 200 200 200
GET    /api/v1/wallet/payouts/{payout_id}                        401 404 404 404 200 404
GET    /api/v1/events/schemas                                    200 200 200 200 200 200
GET    /api/v1/events/schemas/{event_type}                       200 200 200 200 200 200
GET    /api/v1/notifications                                     401 200 200 200 200 200
GET    /api/v1/notifications/unread-count                        401 200 200 200 200 200
POST   /api/v1/notifications/{notification_id}/read              401 404 404 404 200 404
POST   /api/v1/notifications/read                                401 200 200 200 200 200
GET    /api/v1/notifications/preferences                         401 200 200 200 200 200
PUT    /api/v1/notifications/preferences                         401 200 200 200 200 200
POST   /api/v1/webhook-endpoints                                 401 403 201 403 403 201
GET    /api/v1/webhook-endpoints                                 401 403 200 403 403 200
GET    /api/v1/webhook-endpoints/{endpoint_id}                   401 403 404 403 403 200
PATCH  /api/v1/webhook-endpoints/{endpoint_id}                   401 403 404 403 403 200
DELETE /api/v1/webhook-endpoints/{endpoint_id}                   401 403 404 403 403 204
POST   /api/v1/webhook-endpoints/{endpoint_id}/rotate-secret     401 403 404 403 403 200
POST   /api/v1/webhook-endpoints/{endpoint_id}/ping              401 403 404 403 403 202
GET    /api/v1/webhook-endpoints/{endpoint_id}/deliveries        401 403 404 403 403 200
GET    /api/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id} 401 403 404 403 403 200
GET    /api/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/attempts 401 403 404 403 403 200
POST   /api/v1/webhook-endpoints/{endpoint_id}/replays           401 403 404 403 403 201
GET    /api/v1/webhook-endpoints/{endpoint_id}/replays           401 403 404 403 403 200
GET    /api/v1/webhook-endpoints/{endpoint_id}/replays/{replay_id} 401 403 404 403 403 200
GET    /.well-known/webhook-keys/{endpoint_id}                   200 200 200 200 200 200
POST   /api/v1/onramp/webhooks/{provider}                        401 401 401 401 401 401
POST   /api/v1/webhooks/stripe                                   401 401 401 401 401 401
POST   /api/v1/admin/reconciliations                             401 403 403 200 403 403
POST   /api/v1/admin/users/{user_id}/deactivate                  401 403 403 200 403 403
POST   /api/v1/admin/users/{user_id}/activate                    401 403 403 200 403 403
POST   /api/v1/admin/users/{user_id}/revoke-sessions             401 403 403 204 403 403
POST   /api/v1/admin/users/{user_id}/reset-two-factor            401 403 403 409 403 403
GET    /api/v1/admin/users/{user_id}/quotas                      401 403 403 200 403 403
PUT    /api/v1/admin/users/{user_id}/quotas                      401 403 403 200 403 403
GET    /api/v1/admin/users/{user_id}/limits                      401 403 403 200 403 403
PUT    /api/v1/admin/users/{user_id}/limits                      401 403 403 200 403 403
DELETE /api/v1/admin/users/{user_id}/limits                      401 403 403 204 403 403
PUT    /api/v1/admin/roles/{role}/limits                         401 403 403 200 403 403
POST   /api/v1/admin/categories                                  401 403 403 201 403 403
PATCH  /api/v1/admin/categories/{category_id}                    401 403 403 200 403 403
DELETE /api/v1/admin/categories/{category_id}                    401 403 403 204 403 403
GET    /api/v1/admin/risk/rules                                  401 403 403 200 403 403
POST   /api/v1/admin/risk/rules                                  401 403 403 201 403 403
GET    /api/v1/admin/risk/rules/{rule_id}                        401 403 403 200 403 403
PATCH  /api/v1/admin/risk/rules/{rule_id}                        401 403 403 200 403 403
DELETE /api/v1/admin/risk/rules/{rule_id}                        401 403 403 204 403 403
POST   /api/v1/admin/risk/rules/{rule_id}/shadow                 401 403 403 200 403 403
POST   /api/v1/admin/risk/rules/{rule_id}/activate               401 403 403 200 403 403
POST   /api/v1/admin/risk/rules/{rule_id}/retire                 401 403 403 409 403 403
GET    /api/v1/admin/risk/decisions/{decision_id}                401 403 403 404 403 403
GET    /api/v1/admin/risk/lists                                  401 403 403 200 403 403
POST   /api/v1/admin/risk/lists                                  401 403 403 201 403 403
DELETE /api/v1/admin/risk/lists/{entry_id}                       401 403 403 204 403 403
GET    /api/v1/admin/risk/cases                                  401 403 403 200 403 403
GET    /api/v1/admin/risk/cases/{case_id}                        401 403 403 404 403 403
POST   /api/v1/admin/risk/cases/{case_id}/assign                 401 403 403 404 403 403
POST   /api/v1/admin/risk/cases/{case_id}/snooze                 401 403 403 404 403 403
POST   /api/v1/admin/risk/cases/{case_id}/notes                  401 403 403 404 403 403
POST   /api/v1/admin/risk/cases/{case_id}/release                401 403 403 404 403 403
POST   /api/v1/admin/risk/cases/{case_id}/reject                 401 403 403 404 403 403
GET    /api/v1/admin/merchants/{merchant_id}/fee                 401 403 403 200 403 403
PUT    /api/v1/admin/merchants/{merchant_id}/fee                 401 403 403 200 403 403
DELETE /api/v1/admin/merchants/{merchant_id}/fee                 401 403 403 200 403 403
GET    /api/v1/admin/refunds                                     401 403 403 200 403 403
POST   /api/v1/admin/refunds/{refund_id}/settle                  401 403 403 404 403 403
GET    /api/v1/admin/users/export                                401 403 403 200 403 403
GET    /api/v1/admin/wallets/export                              401 403 403 200 403 403
GET    /api/v1/admin/wallets/{wallet_id}/transactions/export     401 403 403 200 403 403
GET    /api/v1/admin/orders/export                               401 403 403 200 403 403
GET    /api/v1/admin/refunds/export                              401 403 403 200 403 403
GET    /api/v1/admin/payouts/export                              401 403 403 200 403 403
GET    /api/v1/admin/on-ramps/export                             401 403 403 200 403 403
GET    /api/v1/admin/inbound-events/export                       401 403 403 200 403 403
GET    /api/v1/admin/events/export                               401 403 403 200 403 403
GET    /api/v1/admin/audit/export                                401 403 403 200 403 403
GET    /api/v1/admin/risk/cases/export                           401 403 403 200 403 403
GET    /api/v1/admin/orders/{order_id}/refunds/preview           401 403 403 200 403 403
POST   /api/v1/admin/orders/{order_id}/refunds                   401 403 403 201 403 403
POST   /api/v1/admin/wallets/{wallet_id}/lock                    401 403 403 200 403 403
POST   /api/v1/admin/wallets/{wallet_id}/unlock                  401 403 403 200 403 403
GET    /api/v1/admin/users                                       401 403 403 200 403 403
GET    /api/v1/admin/users/{user_id}                             401 403 403 200 403 403
GET    /api/v1/admin/users/{user_id}/sessions                    401 403 403 200 403 403
GET    /api/v1/admin/wallets                                     401 403 403 200 403 403
GET    /api/v1/admin/wallets/{wallet_id}/transactions            401 403 403 200 403 403
GET    /api/v1/admin/orders                                      401 403 403 200 403 403
GET    /api/v1/admin/orders/{order_id}                           401 403 403 200 403 403
GET    /api/v1/admin/payouts                                     401 403 403 200 403 403
GET    /api/v1/admin/on-ramps                                    401 403 403 200 403 403
GET    /api/v1/admin/inbound-events                              401 403 403 200 403 403
POST   /api/v1/admin/inbound-events/{event_id}/retry             401 403 403 200 403 403
POST   /api/v1/admin/inbound-events/{event_id}/dismiss           401 403 403 200 403 403
GET    /api/v1/admin/events                                      401 403 403 200 403 403
POST   /api/v1/admin/events/{held_event_id}/retry                401 403 403 200 403 403
POST   /api/v1/admin/events/{held_event_id}/skip                 401 403 403 204 403 403
GET    /api/v1/admin/event-sinks                                 401 403 403 200 403 403
DELETE /api/v1/admin/event-sinks/{sink_name}                     401 403 403 204 403 403
GET    /api/v1/admin/traffic                                     401 403 403 200 403 403
POST   /api/v1/admin/traffic/start                               401 403 403 200 403 403
POST   /api/v1/admin/traffic/stop                                401 403 403 200 403 403
POST   /api/v1/admin/traffic/once                                401 403 403 200 403 403
POST   /api/v1/admin/risk/backtests                              401 403 403 201 403 403
GET    /api/v1/admin/risk/backtests                              401 403 403 200 403 403
GET    /api/v1/admin/risk/backtests/{backtest_id}                401 403 403 200 403 403
GET    /api/v1/admin/risk/models                                 401 403 403 200 403 403
GET    /api/v1/admin/risk/models/{model_id}                      401 403 403 404 403 403
GET    /api/v1/admin/audit                                       401 403 403 200 403 403
GET    /api/openapi.json                                         200 200 200 200 200 200
GET    /api/asyncapi.json                                        200 200 200 200 200 200
GET    /api/docs                                                 200 200 200 200 200 200
GET    /api/docs/assets/{name}                                   200 200 200 200 200 200
GET    /api/redoc                                                200 200 200 200 200 200
GET    /api/errors                                               200 200 200 200 200 200
GET    /api/errors/{code}                                        200 200 200 200 200 200
GET    /                                                         302 302 302 302 302 302
GET    /app                                                      200 200 200 200 200 200
GET    /app/{view}                                               200 200 200 200 200 200
GET    /app/assets/{version}/{asset_name}                        200 200 200 200 200 200
GET    /pay/{token}                                              200 200 200 200 200 200
GET    /orders/{page_token}                                      200 200 200 200 200 200
GET    /orders/{page_token}/receipt                              200 200 200 200 200 200
GET    /giveaways/{giveaway_token}                               200 200 200 200 200 200
GET    /giveaways/assets/{asset_name}                            200 200 200 200 200 200
GET    /receipts/{receipt_token}                                 200 200 200 200 200 200
GET    /receipts/assets/{asset_name}                             200 200 200 200 200 200
GET    /orders/assets/{asset_name}                               200 200 200 200 200 200
GET    /pay/assets/{asset_name}                                  200 200 200 200 200 200
GET    /checkout/return                                          200 200 200 200 200 200
GET    /checkout/assets/{asset_name}                             200 200 200 200 200 200
GET    /notifications/unsubscribe/{unsubscribe_token}            200 200 200 200 200 200
POST   /notifications/unsubscribe/{unsubscribe_token}            200 200 200 200 200 200
GET    /notifications/unsubscribe/assets/{asset_name}            200 200 200 200 200 200
GET    /email/verify/{verification_token}                        404 404 404 404 404 404
POST   /email/verify/{verification_token}                        404 404 404 404 404 404
GET    /email/verify/assets/{asset_name}                         200 200 200 200 200 200
GET    /password/reset/{reset_token}                             404 404 404 404 404 404
POST   /password/reset/{reset_token}                             404 404 404 404 404 404
GET    /password/reset/assets/{asset_name}                       200 200 200 200 200 200
GET    /health/live                                              200 200 200 200 200 200
GET    /health/ready                                             200 200 200 200 200 200
GET    /metrics                                                  404 404 404 404 404 404
"""  # noqa: E501 – one route per line

Route = tuple[str, str]

_HEAD, *_ROWS = (line.split() for line in MATRIX.strip().splitlines())
CALLERS = tuple(_HEAD)

EXPECTED: dict[Route, dict[str, int]] = {
    (method, path): dict(zip(CALLERS, map(int, statuses), strict=True))
    for method, path, *statuses in _ROWS
}

#: Routes whose 401 does not refer to an access token, but to a refresh token or the signature of a
#: webhook.
OTHER_CREDENTIALS = {
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/onramp/webhooks/{provider}"),
    ("POST", "/api/v1/webhooks/stripe"),
}

TOKEN_REQUIRED = [
    route
    for route, row in EXPECTED.items()
    if row["anonymous"] == 401 and route not in OTHER_CREDENTIALS
]

#: The role of each authenticated caller.
ROLES = {
    "user": Role.USER,
    "buyer": Role.USER,
    "merchant": Role.MERCHANT,
    "seller": Role.MERCHANT,
    "admin": Role.ADMIN,
}


def routes_of(app: Flask) -> dict[Route, str]:
    """The endpoint of every route."""
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def operations_of(app: Flask) -> dict[Route, dict[str, Any]]:
    """Every operation of the OpenAPI document."""
    document = app.test_client().get("/api/openapi.json").json
    return {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }
