// Generated from the OpenAPI document by `./flow api --write`. Do not edit.

export interface ActivateLicence { key: string; instance: string; label?: string | null; }

export interface AddCaseNote { text: string; }

export interface AddRiskListEntry { list: "ALLOW" | "BLOCK"; kind: "USER" | "ADDRESS" | "EMAIL_DOMAIN" | "DEVICE"; value: string; reason: string; expiresAt?: string | null; }

export interface Alert { severity: "PAGE" | "TICKET"; burnRate: number; long: string; short: string; isFiring: boolean; }

export interface ApiKey { id: string; name: string; prefix: string; scopes: (string)[]; lastUsedAt: string | null; createdAt: string; expiresAt: string | null; revokedAt: string | null; }

export interface ApiKeyList { data: (ApiKey)[]; meta: PageMeta; }

export interface Archive { isOn: boolean; archivedAt: string | null; failedAt: string | null; }

export interface AssignCase { assigneeId: string | null; }

export interface AuditRecord { id: string; createdAt: string; actor: UserSummary | null; action: string; targetType: string; targetId: string; reason: string | null; details: Record<string, any>; }

export interface AuditRecordList { data: (AuditRecord)[]; meta: PageMeta; }

export interface Backlog { kind: "EVENTS" | "WEBHOOKS" | "JOBS" | "MESSAGES"; name: string; waiting: number; delaySeconds: number; parked: number; }

export interface Backtest { id: string; status: "RUNNING" | "COMPLETED"; progress: number; ruleId: string; key: string; version: number; ruleset: number; startsAt: string; endsAt: string; evaluated: number; notEvaluable: number; skipped: Record<string, any>; draft: BacktestSide; active: BacktestSide; createdBy: string | null; createdAt: string; finishedAt: string | null; }

export interface BacktestList { data: (Backtest)[]; meta: PageMeta; }

export interface BacktestSide { matched: number; reviewed: number; declined: number; blocked: Record<string, any>; endings: Endings; precision: string | null; missed: EndingCount; allReviewed: number; allDeclined: number; mistakes: (Mistake)[]; }

export interface Backup { kind: "FULL" | "INCREMENTAL"; size: number; startedAt: string; finishedAt: string; }

export interface BankAccount { id: string; provider: string; holder: string; number: string; routing: string; label: string | null; createdAt: string; }

export interface BankEvent { id?: string; type: "payment.succeeded" | "payment.failed" | "payout.paid" | "payout.refused"; createdAt?: string; data: BankEventData; }

export interface BankEventData { reference: string; amount?: string | number | null; currency?: string | null; userId?: string | null; bankReference?: string | null; reason?: string | null; }

export interface BankEventReceipt { received: boolean; }

export interface BestSellingProduct { id: string; name: string; units: number; revenue: string; }

export interface BurnRate { window: string; requests: number; bad: number; rate: number | null; }

export interface Buyer { id: string; email: string | null; firstName: string | null; lastName: string | null; }

export interface BuyerSummary { id: string; email: string | null; }

export interface CaptureHold { amount?: string | number; }

export interface Case { case: CaseSummary; reasons: Reasons; inputs: Record<string, any>; notes: (Note)[]; }

export interface CaseSummary { id: string; status: "OPEN" | "RELEASED" | "REJECTED" | "EXPIRED"; kind: "PURCHASE" | "TRANSFER" | "PAYMENT_REQUEST" | "MERCHANT_CODE" | "HOLD" | "WITHDRAWAL" | "PAYOUT"; amount: string; currency: string; userId: string; payeeId: string | null; referenceId: string | null; holdId: string; score: any; assignedTo: string | null; snoozedUntil: string | null; decidedBy: string | null; reason: string | null; resultId: string | null; createdAt: string; expiresAt: string; decidedAt: string | null; }

export interface Category { id: string; slug: string; name: string; createdAt: string; updatedAt: string; }

export interface CategoryList { data: (Category)[]; meta: PageMeta; }

export interface ChangeEmail { newEmail: string; password: string; code?: string | null; }

export interface ChangePassword { currentPassword: string; newPassword: string; revokeApiKeys?: boolean; }

export interface Checkout { object: "checkout"; order: Order; checkoutUrl: string | null; sessionId: string | null; }

export interface CheckoutState { expiresAt: string; attempts: number; nextAttemptAt: string | null; flaggedAt: string | null; }

export interface Checkouts { begun: number; paid: number; unpaid: number; cancelled: number; open: number; conversion: number | null; }

export interface CodeFilePreview { header: (string)[] | null; columns: (string)[]; total: number; duplicates: number; codes: (string)[]; }

export interface CodeUpload { id: string; status: "RECEIVING" | "PROCESSING" | "COMPLETED" | "FAILED"; total: number; added: number; duplicates: number; duplicateLines: (number)[]; createdAt: string; closedAt: string | null; }

export interface CodeUploadList { data: (CodeUpload)[]; meta: PageMeta; }

export interface CompleteFileUpload { sha256?: string | null; }

export interface ConfirmEmailVerification { verificationToken: string; }

export interface ConfirmPhoneVerification { phoneCode: string; }

export interface Coupon { id: string; code: string; kind: "PERCENT" | "FIXED"; value: string; currency: string; productId: string | null; startsAt: string | null; endsAt: string | null; maxUses: number | null; maxUsesPerUser: number | null; uses: number; isActive: boolean; createdAt: string; updatedAt: string; }

export interface CouponList { data: (Coupon)[]; meta: PageMeta; }

export interface CreateApiKey { name: string; scopes: ("products:read" | "products:write" | "coupons:read" | "coupons:write" | "orders:read" | "orders:write" | "refunds:write" | "delivery:read" | "delivery:write" | "wallet:read" | "wallet:write" | "payment_requests:read" | "payment_requests:write" | "transfers:write" | "payouts:write" | "webhooks:read" | "webhooks:write")[]; expiresAt?: string | null; password: string; code?: string | null; }

export interface CreateBankAccount { provider: string; holder: string; number: string; routing: string; label?: string | null; password: string; code?: string | null; }

export interface CreateCategory { slug: string; name: string; }

export interface CreateCoupon { startsAt?: string | null; endsAt?: string | null; maxUses?: number | null; code?: string; kind: "PERCENT" | "FIXED"; value: string | number; maxUsesPerUser?: number | null; productId?: string | null; }

export interface CreateDeposit { amount: string | number; description?: string | null; }

export interface CreateFileUpload { name: string; mediaType?: string; size: number; }

export interface CreateGiveaway { productId: string; name: string; kind: "BATCH" | "LINK"; units: number; expiresAt?: string | null; }

export interface CreateHold { payeeId: string; amount: string | number; description?: string | null; expiresIn?: number; expiresAt?: string; }

export interface CreateLicenceFile { key: string; instance: string; }

export interface CreateMerchantCode { productId?: string; amount?: string | number; label?: string | null; }

export interface CreateOnramp { provider: string; amount: string | number; description?: string | null; returnUrl?: string | null; }

export interface CreateOrder { productId: string; paymentMethod: "WALLET" | "GATEWAY"; quantity?: number; couponCode?: string | null; expectedAmount?: string | number; notes?: string | null; metadata?: Record<string, any> | null; }

export interface CreatePaymentRequest { payer?: UserIdentifier; amount?: string | number; note?: string | null; expiresIn?: number; }

export interface CreatePayout { bankAccountId: string; amount: string | number; description?: string | null; }

export interface CreateProduct { name: string; description?: string | null; price: string | number; availableUnits?: number; kind?: "PLAIN" | "CODES" | "LICENCE" | "FILE"; purchaseLimit?: number | null; reservationLimit?: number | null; category?: string | null; metadata?: Record<string, any> | null; }

export interface CreateRefund { amount?: string | number; units?: number; reason?: string | null; }

export interface CreateRefundRequest { amount?: string | number; units?: number; reason: string; }

export interface CreateRiskBacktest { ruleId: string; from: string; to?: string; }

export interface CreateRiskRule { name: string; description?: string | null; conditions: Record<string, any>; outcome: "SCORE" | "REVIEW" | "DECLINE" | "APPROVE"; weight?: string | number; key: string; }

export interface CreateTransfer { recipient: UserIdentifier; amount: string | number; note?: string | null; }

export interface CreateWebhookEndpoint { url: string; description?: string | null; eventTypes?: ("order-pending" | "order-under-review" | "order-rejected" | "order-completed" | "order-payment-failed" | "order-failed" | "order-cancelled" | "order-refunded" | "refund-settled" | "refund-redirected" | "refund-paid-externally" | "refund-requested" | "refund-request-approved" | "refund-request-declined" | "refund-request-withdrawn" | "giveaway-created" | "giveaway-closed" | "product-file-uploaded" | "product-file-removed" | "file-downloaded" | "downloads-reset" | "codes-uploaded" | "code-removed" | "codes-revoked" | "code-revoked" | "code-reissued" | "licence-activated" | "licence-deactivated" | "licence-revoked" | "licence-reissued" | "licence-limit-reached" | "licence-terms-changed" | "licence-terms-applied" | "stock-low" | "webhook-endpoint-disabled" | "payout-submitted" | "payout-paid" | "payout-refused" | "payment-request-created" | "payment-request-paid" | "payment-request-declined" | "payment-request-cancelled" | "payment-request-expired" | "transfer-completed" | "hold-placed" | "hold-captured" | "hold-released")[] | null; apiVersion?: "v1"; isThin?: boolean; }

export interface CreateWebhookReplay { deliveryIds?: (string)[]; from?: string; to?: string; status?: "WAITING" | "HELD" | "DELIVERED" | "FAILED" | "SKIPPED"; }

export interface CreateWithdrawal { amount: string | number; description?: string | null; }

export interface CreatedApiKey { id: string; name: string; key: string; prefix: string; scopes: (string)[]; createdAt: string; expiresAt: string | null; }

export interface CreatedWebhookEndpoint { id: string; url: string; description: string | null; eventTypes: (string)[] | null; apiVersion: "v1"; isThin: boolean; status: "ENABLED" | "DISABLED"; disabledAt: string | null; disabledBecause: "MERCHANT" | "GONE" | "FAILING" | null; failures: number; failingSince: string | null; pausedUntil: string | null; publicKeys: (string)[]; createdAt: string; updatedAt: string; secret: string; }

export interface DeactivateLicence { key: string; instance: string; }

export interface DeletedProduct { message: string; }

export interface DeliveredFile { name: string; size: number; mediaType: string; sha256: string; url: string | null; expiresAt: string | null; downloadsLeft: number; }

export interface DeliveredLicence { id: string; key: string; status: "ACTIVE" | "EXPIRED" | "REVOKED"; activationLimit: number | null; activations: number; expiresAt: string | null; revocationReason: string | null; replacedBy: string | null; }

export interface Delivery { orderId: string; kind: "PLAIN" | "CODES" | "LICENCE" | "FILE"; units: number; orderNumber: string; codes?: (string)[]; revokedCodes?: (RevokedCode)[]; licences?: (DeliveredLicence)[]; files?: (DeliveredFile)[]; }

export interface DisableTwoFactor { password: string; code: string; }

export interface DownloadAllowance { downloadsLeft: number; }

export interface EffectiveLimit { type: "DEPOSIT" | "ONRAMP" | "TRANSFER_IN" | "INCOMING" | "WITHDRAWAL" | "PAYOUT" | "TRANSFER_OUT" | "PAYMENT" | "OUTGOING"; window: "TRANSACTION" | "DAY" | "MONTH"; limit: string; used: string; remaining: string; currency: string; freesAt: string | null; isOwn: boolean; }

export interface EndingCount { count: number; value: Record<string, any>; }

export interface Endings { refunded: EndingCount; rejected: EndingCount; failed: EndingCount; pending: EndingCount; fine: EndingCount; }

export interface EnrolTwoFactor { password: string; }

export interface Entry { id: string; list: "ALLOW" | "BLOCK"; kind: "USER" | "ADDRESS" | "EMAIL_DOMAIN" | "DEVICE"; value: string; reason: string; expiresAt: string | null; createdBy: string | null; createdAt: string; }

export interface EntryList { data: (Entry)[]; meta: PageMeta; }

export interface Error { statusCode: number; error: "ACTIVATION_LIMIT_REACHED" | "ACTIVATION_NOT_FOUND" | "AMOUNT_NOT_PAYABLE" | "API_KEY_NOT_FOUND" | "BAD_REQUEST" | "BANK_ACCOUNT_NOT_FOUND" | "BANK_ACCOUNT_TAKEN" | "BODY_INCOMPLETE" | "BODY_TOO_LARGE" | "BODY_TOO_SLOW" | "BUSY" | "CANNOT_BUY_OWN_PRODUCT" | "CANNOT_PAY_OWN_REQUEST" | "CANNOT_PAY_YOURSELF" | "CANNOT_TRANSFER_TO_SELF" | "CAPTURE_EXCEEDS_HOLD" | "CATEGORY_EXISTS" | "CATEGORY_NOT_FOUND" | "CHECKOUT_ENDED" | "CODES_INVALID" | "CODE_NOT_FOUND" | "CODE_NOT_SOLD" | "CODE_REVOKED" | "CODE_SOLD" | "COUPON_CODE_TAKEN" | "COUPON_INVALID" | "COUPON_NOT_FOUND" | "COUPON_USED_UP" | "DELIVERY_NOT_FOUND" | "DELIVERY_TAKEN_BACK" | "DIGEST_MISMATCH" | "DOWNLOAD_LIMIT_REACHED" | "DOWNLOAD_LINK_EXPIRED" | "DOWNLOAD_LINK_INVALID" | "DOWNLOAD_REVOKED" | "EMAIL_TAKEN" | "EVENT_SINK_IN_USE" | "EVENT_SINK_NOT_FOUND" | "EVENT_TYPE_NOT_FOUND" | "FILE_EMPTY" | "FILE_NOT_FOUND" | "FILE_PARTS_MISSING" | "FILE_PART_DIFFERS" | "FILE_PART_INVALID" | "FILE_SOLD" | "FILE_UPLOAD_NOT_FOUND" | "FORBIDDEN" | "GATEWAY_NOT_CONFIGURED" | "GATEWAY_REFUSED" | "GATEWAY_UNAVAILABLE" | "GIVEAWAY_ALREADY_CLAIMED" | "GIVEAWAY_ENDED" | "GIVEAWAY_HAS_NO_FILE" | "GIVEAWAY_NOT_FOUND" | "GIVEAWAY_SOLD_OUT" | "HELD_EVENT_NOT_FIRST" | "HELD_EVENT_NOT_FOUND" | "HOLD_CLOSED" | "HOLD_NOT_FOUND" | "IDEMPOTENCY_IN_PROGRESS" | "IDEMPOTENCY_KEY_REUSED" | "IMAGE_INVALID" | "IMAGE_NOT_FOUND" | "INBOUND_EVENT_NOT_FOUND" | "INBOUND_EVENT_NOT_QUARANTINED" | "INBOUND_EVENT_NOT_RETRYABLE" | "INSUFFICIENT_FUNDS" | "INTERNAL_ERROR" | "INVALID_CREDENTIALS" | "INVALID_DEPOSIT_AMOUNT" | "INVALID_ONRAMP_AMOUNT" | "INVALID_REFRESH_TOKEN" | "INVALID_SIGNATURE" | "INVALID_WITHDRAWAL_AMOUNT" | "KEY_NOT_ALLOWED" | "LAST_ADMINISTRATOR" | "LENGTH_REQUIRED" | "LICENCE_EXPIRED" | "LICENCE_NOT_FOUND" | "LICENCE_REVOKED" | "LIMIT_EXCEEDED" | "LIMIT_NOT_FOUND" | "MALFORMED_JSON" | "MERCHANT_CODE_NOT_FOUND" | "METHOD_NOT_ALLOWED" | "NOTHING_TO_PAY" | "NOTHING_TO_VERIFY" | "NOTIFICATION_NOT_FOUND" | "NOTIFICATION_REQUIRED" | "NOT_ACCEPTABLE" | "NOT_A_FILE_PRODUCT" | "NOT_FOUND" | "NO_CODE_LEFT" | "ONRAMP_NOT_FOUND" | "ORDER_NOT_CANCELLABLE" | "ORDER_NOT_DELIVERED" | "ORDER_NOT_FOUND" | "ORDER_NOT_REFUNDABLE" | "ORIGIN_NOT_ALLOWED" | "OUTCOME_UNKNOWN" | "OWN_ACCOUNT" | "PASSWORD_RESET_INVALID" | "PAYEE_NOT_FOUND" | "PAYMENT_REQUEST_CLOSED" | "PAYMENT_REQUEST_NOT_FOUND" | "PAYOUT_NOT_FOUND" | "PHONE_CODE_INVALID" | "PHONE_NEEDED" | "PHONE_TAKEN" | "PRECONDITION_FAILED" | "PRICE_CHANGED" | "PRODUCT_HAS_NO_CODES" | "PRODUCT_HAS_NO_LICENCES" | "PRODUCT_INACTIVE" | "PRODUCT_NOT_EXPORTABLE" | "PRODUCT_NOT_FOUND" | "PRODUCT_OUT_OF_STOCK" | "PROVIDER_NOT_FOUND" | "PROVIDER_UNKNOWN" | "PURCHASE_LIMIT_REACHED" | "QUANTITY_TOO_LARGE" | "QUOTA_EXCEEDED" | "RANGE_NOT_SATISFIABLE" | "RATE_LIMITED" | "RECIPIENT_CANNOT_RECEIVE" | "RECIPIENT_NOT_FOUND" | "RECIPIENT_NOT_VERIFIED" | "REFERENCE_UNKNOWN" | "REFUND_NOT_FOUND" | "REFUND_NOT_SETTLEABLE" | "REFUND_REQUEST_CLOSED" | "REFUND_REQUEST_NOT_FOUND" | "REFUND_REQUEST_OPEN" | "REFUND_TOO_LARGE" | "RESERVATION_LIMIT_REACHED" | "REVIEW_NOT_FOUND" | "RISK_BACKTEST_NOT_FOUND" | "RISK_CASE_DECIDED" | "RISK_CASE_NOT_FOUND" | "RISK_CASE_NOT_RELEASABLE" | "RISK_DECISION_NOT_FOUND" | "RISK_DECLINED" | "RISK_DRAFT_EXISTS" | "RISK_LIST_ENTRY_EXISTS" | "RISK_LIST_ENTRY_NOT_FOUND" | "RISK_LIST_FULL" | "RISK_MODEL_NOT_FOUND" | "RISK_RULE_FIXED" | "RISK_RULE_NOT_ACTIVATABLE" | "RISK_RULE_NOT_FOUND" | "RISK_SECOND_ADMINISTRATOR_NEEDED" | "RISK_TOO_MANY_BACKTESTS" | "RISK_TOO_MANY_RULES" | "ROLE_NOT_FOUND" | "SCOPE_REQUIRED" | "SESSION_NOT_FOUND" | "SHOP_NOT_FOUND" | "STATEMENT_INVALID" | "STATEMENT_TOO_LONG" | "STOCK_IS_CODES" | "STORAGE_AWAY" | "STORAGE_FULL" | "TOO_MANY_ACTIVATIONS" | "TOO_MANY_BANK_ACCOUNTS" | "TOO_MANY_CHECKOUTS" | "TOO_MANY_IMAGES" | "TOO_MANY_REVOCATIONS" | "TOO_MANY_WEBHOOK_SECRETS" | "TRAFFIC_FORBIDDEN" | "TRAFFIC_UNAVAILABLE" | "TRANSACTION_NOT_FOUND" | "TRANSFER_NOT_FOUND" | "TWO_FACTOR_ALREADY_ENABLED" | "TWO_FACTOR_CODE_WRONG" | "TWO_FACTOR_NOT_ENABLED" | "TWO_FACTOR_NOT_PENDING" | "TWO_FACTOR_REQUIRED" | "UNAUTHORIZED" | "UNAUTHORIZED_PRODUCT_ACCESS" | "UNSUPPORTED_MEDIA_TYPE" | "UPLOAD_NOT_FOUND" | "UPLOAD_TOO_SLOW" | "URI_TOO_LONG" | "USER_NOT_FOUND" | "VALIDATION_ERROR" | "VERIFICATION_INVALID" | "WALLET_LOCKED" | "WALLET_NOT_FOUND" | "WEBHOOK_DELIVERY_NOT_FOUND" | "WEBHOOK_ENDPOINT_INACTIVE" | "WEBHOOK_ENDPOINT_NOT_FOUND" | "WEBHOOK_REPLAY_NOT_FOUND" | "WEBHOOK_REPLAY_RUNNING"; message: string; details: Record<string, any>; timestamp: string; path: string; method: string; requestId: string; }

export interface EventSink { name: string; behind: number; deliveredAt: string | null; problem: string | null; failedAt: string | null; held: number; parked: number; }

export interface EventSinkList { data: (EventSink)[]; meta: PageMeta; }

export interface EventType { type: string; aggregate: string; version: number; description: string; schemaUrl: string; }

export interface EventTypes { data: (EventType)[]; }

export interface FeedTransaction { id: number; transactionId: string; userNumber: number; kind: "PURCHASE" | "TRANSFER" | "PAYMENT_REQUEST" | "MERCHANT_CODE" | "HOLD" | "WITHDRAWAL" | "PAYOUT"; merchantId: string | null; merchantName: string; amount: string; currency: string; status: "APPROVED" | "DECLINED" | "REVIEW"; declineReason: string | null; latencyMs: number | null; riskScore: string | null; occurredAt: string; }

export interface FeedTransactionList { data: (FeedTransaction)[]; meta: PageMeta; }

export interface FieldChange { field: string; before: string | null; after: string | null; }

export interface Figures { rocAuc: string; precisionAt1Percent: string; }

export interface FilePart { number: number; sha256: string; }

export interface FileUpload { id: string; name: string; mediaType: string; size: number; partSize: number; receivedBytes: number; parts: (FilePart)[]; expiresAt: string; }

export interface Giveaway { id: string; productId: string; name: string; kind: "BATCH" | "LINK"; status: "OPEN" | "USED_UP" | "EXPIRED" | "CLOSED"; units: number; maxUnits: number; token: string | null; link: string | null; expiresAt: string | null; closedAt: string | null; createdAt: string; }

export interface GiveawayClaim { orderId: string; orderNumber: string; userId: string; email: string | null; units: number; status: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; createdAt: string; }

export interface GiveawayClaimList { data: (GiveawayClaim)[]; meta: PageMeta; }

export interface GiveawayList { data: (Giveaway)[]; meta: PageMeta; }

export interface GiveawayOffer { name: string; status: "OPEN" | "USED_UP" | "EXPIRED" | "CLOSED"; productId: string; productName: string; merchantId: string; expiresAt: string | null; }

export interface HealthCheck { name: string; status: "OK" | "BEHIND" | "PARKED" | "AWAY" | "AHEAD" | "MISSING" | "UNKNOWN"; }

export interface HeldEvent { id: string; sink: string; type: string; aggregateType: string; aggregateId: string; version: number; occurredAt: string; status: "RETRYING" | "WAITING" | "PARKED"; attempts: number; reason: string | null; failedAt: string | null; nextAttemptAt: string | null; }

export interface HeldEventList { data: (HeldEvent)[]; meta: PageMeta; }

export interface Hold { id: string; status: "ACTIVE" | "CAPTURED" | "VOIDED" | "EXPIRED"; type: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; amount: string; capturedAmount: string; currency: string; description: string | null; payerId: string; payeeId: string | null; referenceType: string | null; referenceId: string | null; expiresAt: string | null; createdAt: string; closedAt: string | null; }

export interface HoldList { data: (Hold)[]; meta: PageMeta; }

export interface Image { id: string; alt: string | null; sizes: (ImageSize)[]; }

export interface ImageSize { url: string; width: number; height: number; bytes: number; }

export interface InboundEvent { id: string; provider: string; eventId: string; type: "payment.succeeded" | "payment.failed" | "payout.paid" | "payout.refused" | "checkout.session.completed" | "checkout.session.expired" | "payment_intent.payment_failed" | "refund.created" | "refund.updated" | "refund.failed"; status: "RECEIVED" | "PROCESSED" | "QUARANTINED" | "DISMISSED"; subjectType: "onramp" | "order" | "payout" | "refund" | null; subjectId: string | null; reference: string; providerReference: string | null; amount: string | null; currency: string | null; userId: string | null; reason: string | null; quarantineReason: "NOT_FOUND" | "VALUES_DIFFER" | "SUCCEEDED_AFTER_FAILURE" | "FAILED_AFTER_SUCCESS" | "AMOUNT_DIFFERS" | "SETTLED_OTHERWISE" | "NOT_UNDERSTOOD" | "PAID_AFTER_END" | "REFUNDED_TWICE" | null; advice: string | null; canRetry: boolean; attempts: number; lastError: string | null; receivedAt: string; nextAttemptAt: string; processedAt: string | null; }

export interface InboundEventList { data: (InboundEvent)[]; meta: PageMeta; }

export interface Licence { productId: string; productName: string; status: "ACTIVE" | "EXPIRED" | "REVOKED"; expiresAt: string | null; activationLimit: number | null; activations: number; activationsLeft: number | null; }

export interface LicenceActivation { productId: string; productName: string; status: "ACTIVE" | "EXPIRED" | "REVOKED"; expiresAt: string | null; activationLimit: number | null; activations: number; activationsLeft: number | null; instance: string; label: string | null; activatedAt: string; }

export interface LicenceFile { content: string; issuedAt: string; expiresAt: string; }

export interface LicenceTerms { activationLimit: number | null; validDays: number | null; activationsPer30Days: number | null; isApplying: boolean; applied: number; appliedAt: string | null; }

export interface LicenceValidation { productId: string; productName: string; status: "ACTIVE" | "EXPIRED" | "REVOKED"; expiresAt: string | null; activationLimit: number | null; activations: number; activationsLeft: number | null; valid: boolean; reason: "EXPIRED" | "REVOKED" | "NOT_ACTIVATED" | null; }

export interface Limit { type: "DEPOSIT" | "ONRAMP" | "TRANSFER_IN" | "INCOMING" | "WITHDRAWAL" | "PAYOUT" | "TRANSFER_OUT" | "PAYMENT" | "OUTGOING"; window: "TRANSACTION" | "DAY" | "MONTH"; amount: string; currency: string; }

export interface ListedCase { id: string; status: "OPEN" | "RELEASED" | "REJECTED" | "EXPIRED"; kind: "PURCHASE" | "TRANSFER" | "PAYMENT_REQUEST" | "MERCHANT_CODE" | "HOLD" | "WITHDRAWAL" | "PAYOUT"; amount: string; currency: string; userId: string; payeeId: string | null; referenceId: string | null; holdId: string; score: any; assignedTo: string | null; snoozedUntil: string | null; decidedBy: string | null; reason: string | null; resultId: string | null; createdAt: string; expiresAt: string; decidedAt: string | null; payer: UserSummary; }

export interface ListedCaseList { data: (ListedCase)[]; meta: PageMeta; }

export interface ListedUser { id: string; email: string | null; role: "USER" | "MERCHANT" | "ADMIN"; firstName: string | null; lastName: string | null; isActive: boolean; emailPublic: boolean; lastLoginAt: string | null; createdAt: string; updatedAt: string; phone: string | null; emailVerifiedAt: string | null; phoneVerifiedAt: string | null; locale: string; timeZone: string; shopName: string | null; }

export interface ListedUserList { data: (ListedUser)[]; meta: PageMeta; }

export interface ListedWallet { id: string; number: string; user: UserSummary; balance: string; available: string; held: string; currency: string; isLocked: boolean; lockReason: string | null; createdAt: string; updatedAt: string; }

export interface ListedWalletList { data: (ListedWallet)[]; meta: PageMeta; }

export interface Login { email: string; password: string; }

export interface LoginByPhone { phone: string; password: string; }

export interface LoginResult { user: SignedInUser; accessToken: string; refreshToken: string | null; }

export interface Machine { id: string; instance: string; label: string | null; activatedAt: string; lastSeenAt: string; deactivatedAt: string | null; }

export interface MachineList { data: (Machine)[]; meta: PageMeta; }

export interface MadeTransaction { userId: string; amount: string; currency: string; status: "APPROVED" | "DECLINED" | "REVIEW"; declineReason: string | null; }

export interface Merchant { id: string; email: string | null; firstName: string | null; lastName: string | null; name: string; supportEmail: string | null; }

export interface MerchantCode { id: string; productId: string | null; amount: string | null; currency: string; label: string | null; isActive: boolean; token: string; link: string; createdAt: string; updatedAt: string; }

export interface MerchantCodeList { data: (MerchantCode)[]; meta: PageMeta; }

export interface MerchantCodeProduct { id: string; name: string; price: string; currency: string; availableUnits: number; isActive: boolean; }

export interface MerchantFee { merchantId: string; bps: number; own: boolean; }

export interface Minute { startsAt: string; transactions: number; sums: (Sums)[]; }

export interface Mistake { mistake: "BLOCKED" | "MISSED"; decisionId: string; userId: string; kind: "PURCHASE" | "TRANSFER" | "PAYMENT_REQUEST" | "MERCHANT_CODE" | "HOLD" | "WITHDRAWAL" | "PAYOUT"; amount: string; currency: string; outcome: "APPROVE" | "REVIEW" | "DECLINE" | "REFUSED"; ending: "REFUNDED" | "REJECTED" | "FAILED" | "PENDING" | "FINE"; reasons: (string)[]; createdAt: string; }

export interface Model { id: string; version: number; status: "ACTIVE" | "SHADOW" | "UNUSED"; active: (ReadingRule)[]; shadow: (ReadingRule)[]; checksum: string; features: (string)[]; report: ModelReport; startsAt: string; endsAt: string; createdAt: string; }

export interface ModelList { data: (Model)[]; meta: PageMeta; }

export interface ModelReport { learningAttempts: number; learningBad: number; testAttempts: number; testBad: number; model: Figures; rules: Figures; }

export interface Note { authorId: string; text: string; createdAt: string; }

export interface Notification { id: string; kind: "PURCHASE" | "SALE" | "REFUND" | "DEPOSIT" | "PAYOUT" | "TRANSFER" | "PAYMENT_REQUEST" | "REVIEW" | "LOW_STOCK" | "WEBHOOK" | "MESSAGE" | "SECURITY"; topic: string; title: string; text: string; referenceId: string; readAt: string | null; createdAt: string; }

export interface NotificationChoice { kind: "PURCHASE" | "SALE" | "REFUND" | "DEPOSIT" | "PAYOUT" | "TRANSFER" | "PAYMENT_REQUEST" | "REVIEW" | "LOW_STOCK" | "WEBHOOK" | "MESSAGE" | "SECURITY"; inApp?: boolean; email?: boolean; sms?: boolean; }

export interface NotificationList { data: (Notification)[]; meta: PageMeta; }

export interface NotificationPreference { kind: "PURCHASE" | "SALE" | "REFUND" | "DEPOSIT" | "PAYOUT" | "TRANSFER" | "PAYMENT_REQUEST" | "REVIEW" | "LOW_STOCK" | "WEBHOOK" | "MESSAGE" | "SECURITY"; description: string; inApp: boolean; email: boolean; sms: boolean; required: boolean; }

export interface NotificationPreferences { preferences: (NotificationPreference)[]; }

export interface Objective { name: "AVAILABILITY" | "LATENCY"; target: number; thresholdMs: number | null; requests: number; bad: number; allowed: number; percent: number | null; budgetLeft: number | null; isMet: boolean; burnRates: (BurnRate)[]; alerts: (Alert)[]; }

export interface ObjectiveReport { from: string; to: string; objectives: (Objective)[]; uptime: Uptime; }

export interface Onramp { id: string; status: "PROCESSING" | "SUCCESS" | "FAILURE" | "EXPIRED"; provider: string; providerName: string; amount: string; currency: string; token: string; paymentUrl: string | null; description: string | null; returnUrl: string | null; late: boolean; bankReference: string | null; failureReason: string | null; expiresAt: string; createdAt: string; updatedAt: string; closedAt: string | null; }

export interface OnrampList { data: (Onramp)[]; meta: PageMeta; }

export interface OnrampProvider { code: string; name: string; }

export interface OnrampRecord { id: string; status: "PROCESSING" | "SUCCESS" | "FAILURE" | "EXPIRED"; user: UserSummary; provider: string; amount: string; currency: string; token: string; description: string | null; late: boolean; bankReference: string | null; failureReason: string | null; quarantined: (InboundEvent)[]; createdAt: string; updatedAt: string; expiresAt: string; closedAt: string | null; }

export interface OnrampRecordList { data: (OnrampRecord)[]; meta: PageMeta; }

export interface Order { id: string; paymentMethod: "WALLET" | "GATEWAY"; status: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; amount: string; currency: string; quantity: number; stripeSessionId: string | null; stripePaymentIntentId: string | null; idempotencyKey: string | null; notes: string | null; metadata: Record<string, any> | null; completedAt: string | null; failedAt: string | null; failureReason: string | null; createdAt: string; updatedAt: string; userId: string; productId: string; merchantId: string; product: ProductSummary; user: BuyerSummary; discount: string; couponCode: string | null; refundedAmount: string; refundedUnits: number; giveawayId: string | null; object: "order"; number: string; }

export interface OrderDetail { id: string; paymentMethod: "WALLET" | "GATEWAY"; status: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; amount: string; currency: string; quantity: number; stripeSessionId: string | null; stripePaymentIntentId: string | null; idempotencyKey: string | null; notes: string | null; metadata: Record<string, any> | null; completedAt: string | null; failedAt: string | null; failureReason: string | null; createdAt: string; updatedAt: string; userId: string; productId: string; merchantId: string; product: SoldProduct; user: Buyer; discount: string; couponCode: string | null; refundedAmount: string; refundedUnits: number; giveawayId: string | null; object: "order"; number: string; merchant: Party; }

export interface OrderList { data: (Order)[]; meta: PageMeta; }

export interface OrderPageLink { url: string; }

export interface OrderRecord { id: string; paymentMethod: "WALLET" | "GATEWAY"; status: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; amount: string; currency: string; quantity: number; stripeSessionId: string | null; stripePaymentIntentId: string | null; idempotencyKey: string | null; notes: string | null; metadata: Record<string, any> | null; completedAt: string | null; failedAt: string | null; failureReason: string | null; createdAt: string; updatedAt: string; userId: string; productId: string; merchantId: string; product: SoldProduct; user: Buyer; discount: string; couponCode: string | null; refundedAmount: string; refundedUnits: number; giveawayId: string | null; object: "order"; number: string; merchant: UserSummary; checkout: CheckoutState | null; refunds: (Refund)[]; }

export interface PageMeta { total: number; page: number; limit: number; totalPages: number; nextCursor: string | null; totalIsCapped: boolean; }

export interface Party { id: string; name: string; supportEmail: string | null; }

export interface PayMerchantCode { amount?: string | number; quantity?: number; expectedAmount?: string | number; }

export interface PayPaymentRequest { amount?: string | number; expectedAmount?: string | number; }

export interface PaymentRequest { id: string; status: "OPEN" | "PAID" | "DECLINED" | "CANCELLED" | "EXPIRED"; amount: string | null; currency: string; note: string | null; requester: Party; payer: PaymentRequestPayer | null; token: string; link: string; transferId: string | null; expiresAt: string; createdAt: string; closedAt: string | null; }

export interface PaymentRequestList { data: (PaymentRequest)[]; meta: PageMeta; }

export interface PaymentRequestPayer { name: string | null; email: string | null; }

export interface Payout { id: string; status: "PENDING" | "SUBMITTED" | "PAID" | "REFUSED"; amount: string; currency: string; bankAccount: BankAccount; description: string | null; bankReference: string | null; reason: string | null; createdAt: string; submittedAt: string | null; settledAt: string | null; }

export interface PayoutList { data: (Payout)[]; meta: PageMeta; }

export interface PayoutRecord { id: string; status: "PENDING" | "SUBMITTED" | "PAID" | "REFUSED"; amount: string; currency: string; bankAccount: BankAccount; description: string | null; bankReference: string | null; reason: string | null; createdAt: string; submittedAt: string | null; settledAt: string | null; user: UserSummary; provider: string; attempts: number; nextAttemptAt: string | null; flaggedAt: string | null; quarantined: (InboundEvent)[]; }

export interface PayoutRecordList { data: (PayoutRecord)[]; meta: PageMeta; }

export interface Product { id: string; name: string; description: string | null; price: string; currency: string; availableUnits: number; initialUnits: number; isActive: boolean; createdAt: string; updatedAt: string; deletedAt: string | null; merchantId: string; merchant: Merchant; kind: "PLAIN" | "CODES" | "LICENCE" | "FILE"; isReady: boolean; purchaseLimit: number | null; reservationLimit: number | null; category: string | null; images: (Image)[]; metadata: Record<string, any> | null; }

export interface ProductChange { line: number; productId: string | null; name: string; fields: (FieldChange)[]; }

export interface ProductCode { id: string; code: string; status: "AVAILABLE" | "SOLD" | "REVOKED"; orderId: string | null; takenAt: string | null; seenAt: string | null; revokedAt: string | null; orderNumber: string | null; revocationReason: string | null; replacedBy: string | null; }

export interface ProductCodeList { data: (ProductCode)[]; meta: PageMeta; }

export interface ProductCodeSummary { available: number; sold: number; revoked: number; }

export interface ProductFile { name: string; size: number; mediaType: string; sha256: string; version: number; uploadedAt: string; downloads: number; }

export interface ProductImport { created: number; changed: number; unchanged: number; rows: number; changes?: (ProductChange)[]; }

export interface ProductSummary { id: string; name: string; price: string; }

export interface PublicKey { kty: string; crv: string; x: string; alg: string; use: string; kid: string; }

export interface PublicKeySet { keys: (PublicKey)[]; }

export interface PublicMerchantCode { merchant: VerifiedPayee; label: string | null; product: MerchantCodeProduct | null; amount: string | null; currency: string; }

export interface PublicPaymentRequest { id: string; status: "OPEN" | "PAID" | "DECLINED" | "CANCELLED" | "EXPIRED"; amount: string | null; currency: string; note: string | null; requester: VerifiedPayee; isAddressed: boolean; expiresAt: string; }

export interface PublicShop { id: string; name: string; supportEmail: string | null; logo: Image | null; }

export interface Quota { quota: "PRODUCTS" | "COUPONS" | "CODES" | "FILE_BYTES" | "API_KEYS" | "WEBHOOK_ENDPOINTS" | "MERCHANT_CODES" | "PAYMENT_REQUESTS" | "HOLDS"; used: number; maximum: number; isOwn: boolean; }

export interface ReadingRule { id: string; key: string; version: number; }

export interface Reason { reason: string; }

export interface Reasons { rules: (string)[]; shadow: (string)[]; skipped: (string)[]; }

export interface ReceiptLink { url: string; }

export interface Recipient { name: string | null; email: string | null; walletNumber: string | null; verified: boolean; verifiedSince: string | null; }

export interface Reconciliation { provider: string; from: string; to: string; counts: Record<string, any>; rows: (ReconciliationRow)[]; timeZone: string; }

export interface ReconciliationRow { outcome: "MATCHED" | "MISSING_HERE" | "MISSING_THERE" | "AMOUNT_DIFFERS" | "STATUS_DIFFERS" | "DUPLICATE"; action: "NONE" | "CAN_CLOSE" | "CLOSED" | "NOT_CLOSED"; line: number | null; date: string | null; direction: "CREDIT" | "DEBIT"; reference: string | null; bankReference: string | null; amount: string | null; currency: string | null; ourAmount: string | null; ourCurrency: string | null; ourStatus: string | null; ourId: string | null; }

export interface RecoveryCodes { recoveryCodes: (string)[]; }

export interface RefreshTokens { refreshToken: string; }

export interface RefreshedSession { user: SignedInUser; accessToken: string; }

export interface Refund { id: string; orderId: string; amount: string; fee: string; currency: string; units: number; restoredUnits: number; reason: string | null; destination: "WALLET" | "GATEWAY" | "EXTERNAL"; status: "PENDING" | "SUCCEEDED"; failureReason: string | null; createdAt: string; settledAt: string | null; orderNumber: string; byPlatform: boolean; }

export interface RefundAnyOrder { reason: string; amount?: string | number; units?: number; }

export interface RefundPreview { orderId: string; amount: string; fee: string; net: string; currency: string; units: number; destination: "WALLET" | "GATEWAY" | "EXTERNAL"; amountLeft: string; unitsLeft: number; orderNumber: string; }

export interface RefundRequest { id: string; orderId: string; amount: string | null; units: number | null; currency: string; reason: string; status: "OPEN" | "APPROVED" | "DECLINED" | "WITHDRAWN"; answer: string | null; refundId: string | null; createdAt: string; decidedAt: string | null; orderNumber: string; }

export interface RefundRequestAnswer { answer?: string | null; }

export interface RefundRequestList { data: (RefundRequest)[]; meta: PageMeta; }

export interface RefusedRefund { id: string; orderId: string; amount: string; fee: string; currency: string; units: number; restoredUnits: number; reason: string | null; destination: "WALLET" | "GATEWAY" | "EXTERNAL"; status: "PENDING" | "SUCCEEDED"; failureReason: string | null; createdAt: string; settledAt: string | null; orderNumber: string; byPlatform: boolean; buyer: UserSummary; merchant: UserSummary; flaggedAt: string | null; nextAttemptAt: string | null; }

export interface RefusedRefundList { data: (RefusedRefund)[]; meta: PageMeta; }

export interface RegisterUser { email: string; password: string; role: "USER" | "MERCHANT"; firstName?: string | null; lastName?: string | null; }

export interface RegisteredUser { id: string; email: string | null; role: "USER" | "MERCHANT" | "ADMIN"; firstName: string | null; lastName: string | null; createdAt: string; }

export interface Registration { user: RegisteredUser; accessToken: string; refreshToken: string | null; }

export interface ReleaseCase { reason?: string | null; }

export interface RequestPasswordReset { email: string; }

export interface RequestPhoneVerification { phone: string; }

export interface Requests { from: string; total: number; errors: number; p50Ms: number | null; p90Ms: number | null; p95Ms: number | null; p99Ms: number | null; }

export interface ResetPassword { resetToken: string; newPassword: string; }

export interface Review { object: "review"; id: string; status: "PENDING_REVIEW" | "RELEASED" | "REJECTED" | "EXPIRED"; kind: "PURCHASE" | "TRANSFER" | "PAYMENT_REQUEST" | "MERCHANT_CODE" | "HOLD" | "WITHDRAWAL" | "PAYOUT"; amount: string; currency: string; payeeId: string | null; resultId: string | null; createdAt: string; expiresAt: string; decidedAt: string | null; }

export interface ReviewList { data: (Review)[]; meta: PageMeta; }

export interface Revoke { reason: string; }

export interface RevokedCode { code: string; status: "AVAILABLE" | "SOLD" | "REVOKED"; reason: string | null; revokedAt: string; isReplaced: boolean; }

export interface RiskDecision { id: string; outcome: "APPROVE" | "REVIEW" | "DECLINE" | "REFUSED"; code: string | null; kind: "PURCHASE" | "TRANSFER" | "PAYMENT_REQUEST" | "MERCHANT_CODE" | "HOLD" | "WITHDRAWAL" | "PAYOUT"; amount: string; currency: string; userId: string; payeeId: string | null; score: any; ruleset: number | null; reasons: Reasons; inputs: Record<string, any>; latencyUs: number | null; createdAt: string; }

export interface RotateWebhookSecret { overlapDays: number; }

export interface Rule { id: string; key: string; version: number; name: string; description: string | null; conditions: Record<string, any>; outcome: "SCORE" | "REVIEW" | "DECLINE" | "APPROVE"; weight: any; status: "DRAFT" | "SHADOW" | "ACTIVE" | "RETIRED"; createdBy: string | null; activationRequestedBy: string | null; activatedBy: string | null; createdAt: string; activatedAt: string | null; retiredAt: string | null; }

export interface RuleList { data: (Rule)[]; meta: PageMeta; }

export interface SalesChanges { orders: number | null; units: number | null; revenue: number | null; net: number | null; buyers: number | null; newBuyers: number | null; }

export interface SalesDay { date: string; orders: number; units: number; revenue: string; refunds: string; net: string; }

export interface SalesFigures { from: string; to: string; orders: number; units: number; revenue: string; fees: string; refunds: string; feeRefunds: string; net: string; averageOrder: string | null; refundRate: number | null; buyers: number; newBuyers: number; returningBuyers: number; checkouts: Checkouts; }

export interface SalesReport { currency: string; timeZone: string; current: SalesFigures; before: SalesFigures; changes: SalesChanges; bestProducts: (BestSellingProduct)[]; days: (SalesDay)[]; }

export interface SalesSummary { from: string; to: string; currency: string; orders: number; units: number; gross: string; discounts: string; revenue: string; fees: string; refunds: string; feeRefunds: string; net: string; buyers: number; refundedUnits: number; bestProducts: (BestSellingProduct)[]; days: (SalesDay)[]; timeZone: string; }

export interface Session { id: string; userAgent: string | null; address: string | null; createdAt: string; lastUsedAt: string; expiresAt: string; current: boolean; }

export interface SetLicenceTerms { activationLimit: number | null; validDays: number | null; activationsPer30Days?: number | null; }

export interface SetLimit { type: "DEPOSIT" | "ONRAMP" | "TRANSFER_IN" | "INCOMING" | "WITHDRAWAL" | "PAYOUT" | "TRANSFER_OUT" | "PAYMENT" | "OUTGOING"; window: "TRANSACTION" | "DAY" | "MONTH"; amount: string | number; }

export interface SetMerchantFee { bps: number; }

export interface SetNotificationPreferences { preferences: (NotificationChoice)[]; }

export interface SetUserQuota { quota: "PRODUCTS" | "COUPONS" | "CODES" | "FILE_BYTES" | "API_KEYS" | "WEBHOOK_ENDPOINTS" | "MERCHANT_CODES" | "PAYMENT_REQUESTS" | "HOLDS"; maximum: number | null; }

export interface SettleHeldEvent { reason: string; sink: string; }

export interface SettleRefund { reason: string; destination: "WALLET" | "EXTERNAL"; }

export interface Shop { id: string; name: string | null; publicName: string; supportEmail: string | null; timeZone: string; lowStockUnits: number; goodsInMail: boolean; logo: Image | null; }

export interface SignedInUser { id: string; email: string | null; role: "USER" | "MERCHANT" | "ADMIN"; firstName: string | null; lastName: string | null; isActive: boolean; }

export interface SnoozeCase { until: string; }

export interface SoldLicence { id: string; key: string; status: "ACTIVE" | "EXPIRED" | "REVOKED"; orderId: string; activationLimit: number | null; activations: number; expiresAt: string | null; createdAt: string; activationsPer30Days: number | null; revokedAt: string | null; revocationReason: string | null; replacedBy: string | null; orderNumber: string; }

export interface SoldLicenceList { data: (SoldLicence)[]; meta: PageMeta; }

export interface SoldProduct { id: string; name: string; description: string | null; price: string; currency: string; availableUnits: number; initialUnits: number; isActive: boolean; createdAt: string; updatedAt: string; deletedAt: string | null; merchantId: string; kind: "PLAIN" | "CODES" | "LICENCE" | "FILE"; isReady: boolean; purchaseLimit: number | null; reservationLimit: number | null; }

export interface StartTraffic { interval?: number; }

export interface Statement { walletId: string; number: string; currency: string; holder: StatementHolder; from: string; to: string; issuedAt: string; openingBalance: string; closingBalance: string; count: number; totals: (StatementTotal)[]; timeZone: string; transactions: (Transaction)[]; }

export interface StatementHolder { id: string; email: string | null; phone: string | null; firstName: string | null; lastName: string | null; shopName: string | null; }

export interface StatementTotal { type: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; count: number; amountIn: string; amountOut: string; }

export interface Stats { at: string; total: number; approved: number; declined: number; reviewed: number; approvalRate: number | null; lastMinute: number; averageLatencyMs: number | null; totals: (Totals)[]; minutes: (Minute)[]; requests: Requests; uptime: Uptime; }

export interface StreamTicket { ticket: string; expiresAt: string; }

export interface StripeEvent { id: string; type: string; livemode: boolean; data: StripeEventData; }

export interface StripeEventData { object: Record<string, any>; }

export interface StripeEventReceipt { received: boolean; }

export interface Sums { currency: string; approved: number; declined: number; reviewed: number; volume: string; }

export interface SystemHealth { at: string; isWell: boolean; checks: (HealthCheck)[]; backlogs: (Backlog)[]; verification: Verification | null; backup: Backup | null; archive: Archive; }

export interface TokenPair { accessToken: string; refreshToken: string; }

export interface Totals { currency: string; approved: number; declined: number; reviewed: number; volume: string; averageAmount: string | null; }

export interface Traffic { interval: number | null; made: number; approved: number; declined: number; underReview: number; failed: number; }

export interface Transaction { id: string; type: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; status: "COMPLETED"; amount: string; balanceBefore: string; balanceAfter: string; currency: string; description: string | null; referenceType: string | null; referenceId: string | null; metadata: Record<string, any> | null; createdAt: string; walletId: string; orderNumber: string | null; }

export interface TransactionList { data: (Transaction)[]; meta: PageMeta; }

export interface Transfer { id: string; direction: "IN" | "OUT"; amount: string; currency: string; note: string | null; sender: Party; receiver: Party; referenceType: string | null; referenceId: string | null; createdAt: string; object: "transfer"; }

export interface TransferList { data: (Transfer)[]; meta: PageMeta; }

export interface TwoFactorCode { code: string; }

export interface TwoFactorEnrolment { secret: string; otpauthUri: string; qrSvg: string; }

export interface TwoFactorStatus { enabled: boolean; confirmedAt: string | null; recoveryCodesLeft: number; }

export interface UnreadCount { unread: number; }

export interface UpdateCategory { name: string; }

export interface UpdateCoupon { startsAt?: string | null; endsAt?: string | null; maxUses?: number | null; isActive?: boolean; }

export interface UpdateCurrentUser { firstName?: string | null; lastName?: string | null; emailPublic?: boolean; phone?: string | null; locale?: string; timeZone?: string; email?: string; }

export interface UpdateProduct { name?: string; description?: string | null; price?: string | number; availableUnits?: number; isActive?: boolean; purchaseLimit?: number | null; reservationLimit?: number | null; category?: string | null; metadata?: Record<string, any> | null; }

export interface UpdateProductImage { alt?: string | null; position?: number; }

export interface UpdateRiskRule { name?: string; description?: string | null; conditions?: Record<string, any>; outcome?: "SCORE" | "REVIEW" | "DECLINE" | "APPROVE"; weight?: string | number; }

export interface UpdateShop { name?: string | null; supportEmail?: string | null; timeZone?: string; lowStockUnits?: number; goodsInMail?: boolean; }

export interface UpdateWebhookEndpoint { url?: string; description?: string | null; eventTypes?: ("order-pending" | "order-under-review" | "order-rejected" | "order-completed" | "order-payment-failed" | "order-failed" | "order-cancelled" | "order-refunded" | "refund-settled" | "refund-redirected" | "refund-paid-externally" | "refund-requested" | "refund-request-approved" | "refund-request-declined" | "refund-request-withdrawn" | "giveaway-created" | "giveaway-closed" | "product-file-uploaded" | "product-file-removed" | "file-downloaded" | "downloads-reset" | "codes-uploaded" | "code-removed" | "codes-revoked" | "code-revoked" | "code-reissued" | "licence-activated" | "licence-deactivated" | "licence-revoked" | "licence-reissued" | "licence-limit-reached" | "licence-terms-changed" | "licence-terms-applied" | "stock-low" | "webhook-endpoint-disabled" | "payout-submitted" | "payout-paid" | "payout-refused" | "payment-request-created" | "payment-request-paid" | "payment-request-declined" | "payment-request-cancelled" | "payment-request-expired" | "transfer-completed" | "hold-placed" | "hold-captured" | "hold-released")[] | null; apiVersion?: "v1"; isThin?: boolean; status?: "ENABLED" | "DISABLED"; }

export interface Uptime { since: string | null; percent: number | null; minPercent: number | null; checkedMinutes: number; downMinutes: number; unknownMinutes: number; }

export interface User { id: string; email: string | null; role: "USER" | "MERCHANT" | "ADMIN"; firstName: string | null; lastName: string | null; isActive: boolean; emailPublic: boolean; lastLoginAt: string | null; createdAt: string; updatedAt: string; phone: string | null; emailVerifiedAt: string | null; phoneVerifiedAt: string | null; locale: string; timeZone: string; }

export interface UserDetail { user: ListedUser; twoFactor: TwoFactorStatus; wallets: (UserWallet)[]; quotasUrl: string; limitsUrl: string; }

export interface UserIdentifier { email?: string; phone?: string; walletNumber?: string; userId?: string; }

export interface UserSession { id: string; userAgent: string | null; address: string | null; createdAt: string; lastUsedAt: string; expiresAt: string; deviceId: string | null; }

export interface UserSessionList { data: (UserSession)[]; meta: PageMeta; }

export interface UserSummary { id: string; email: string | null; firstName: string | null; lastName: string | null; shopName: string | null; }

export interface UserWallet { id: string; balance: string; currency: string; isLocked: boolean; createdAt: string; updatedAt: string; available: string; held: string; number: string; lockReason: string | null; }

export interface ValidateLicence { key: string; instance?: string; }

export interface Verification { startedAt: string; finishedAt: string; since: string | null; violated: number; }

export interface VerifiedPayee { name: string; supportEmail: string | null; verified: boolean; verifiedSince: string | null; }

export interface Wallet { id: string; balance: string; currency: string; isLocked: boolean; createdAt: string; updatedAt: string; available: string; held: string; number: string; }

export interface WalletMovement { wallet: Wallet; transaction: Transaction; }

export interface WalletSnapshot { id: string; balance: string; currency: string; isLocked: boolean; createdAt: string; updatedAt: string; available: string | null; held: string | null; number: string; at?: string; }

export interface WebhookAttempt { id: string; startedAt: string; duration: number; statusCode: number | null; error: string | null; excerpt: string | null; }

export interface WebhookAttemptList { data: (WebhookAttempt)[]; meta: PageMeta; }

export interface WebhookDelivery { id: string; messageId: string; type: "order-pending" | "order-under-review" | "order-rejected" | "order-completed" | "order-payment-failed" | "order-failed" | "order-cancelled" | "order-refunded" | "refund-settled" | "refund-redirected" | "refund-paid-externally" | "refund-requested" | "refund-request-approved" | "refund-request-declined" | "refund-request-withdrawn" | "giveaway-created" | "giveaway-closed" | "product-file-uploaded" | "product-file-removed" | "file-downloaded" | "downloads-reset" | "codes-uploaded" | "code-removed" | "codes-revoked" | "code-revoked" | "code-reissued" | "licence-activated" | "licence-deactivated" | "licence-revoked" | "licence-reissued" | "licence-limit-reached" | "licence-terms-changed" | "licence-terms-applied" | "stock-low" | "webhook-endpoint-disabled" | "payout-submitted" | "payout-paid" | "payout-refused" | "payment-request-created" | "payment-request-paid" | "payment-request-declined" | "payment-request-cancelled" | "payment-request-expired" | "transfer-completed" | "hold-placed" | "hold-captured" | "hold-released" | "ping"; status: "WAITING" | "HELD" | "DELIVERED" | "FAILED" | "SKIPPED"; attempts: number; nextAttemptAt: string | null; finishedAt: string | null; replayId: string | null; createdAt: string; }

export interface WebhookDeliveryDetails { id: string; messageId: string; type: "order-pending" | "order-under-review" | "order-rejected" | "order-completed" | "order-payment-failed" | "order-failed" | "order-cancelled" | "order-refunded" | "refund-settled" | "refund-redirected" | "refund-paid-externally" | "refund-requested" | "refund-request-approved" | "refund-request-declined" | "refund-request-withdrawn" | "giveaway-created" | "giveaway-closed" | "product-file-uploaded" | "product-file-removed" | "file-downloaded" | "downloads-reset" | "codes-uploaded" | "code-removed" | "codes-revoked" | "code-revoked" | "code-reissued" | "licence-activated" | "licence-deactivated" | "licence-revoked" | "licence-reissued" | "licence-limit-reached" | "licence-terms-changed" | "licence-terms-applied" | "stock-low" | "webhook-endpoint-disabled" | "payout-submitted" | "payout-paid" | "payout-refused" | "payment-request-created" | "payment-request-paid" | "payment-request-declined" | "payment-request-cancelled" | "payment-request-expired" | "transfer-completed" | "hold-placed" | "hold-captured" | "hold-released" | "ping"; status: "WAITING" | "HELD" | "DELIVERED" | "FAILED" | "SKIPPED"; attempts: number; nextAttemptAt: string | null; finishedAt: string | null; replayId: string | null; createdAt: string; body: string; }

export interface WebhookDeliveryList { data: (WebhookDelivery)[]; meta: PageMeta; }

export interface WebhookEndpoint { id: string; url: string; description: string | null; eventTypes: (string)[] | null; apiVersion: "v1"; isThin: boolean; status: "ENABLED" | "DISABLED"; disabledAt: string | null; disabledBecause: "MERCHANT" | "GONE" | "FAILING" | null; failures: number; failingSince: string | null; pausedUntil: string | null; publicKeys: (string)[]; createdAt: string; updatedAt: string; }

export interface WebhookEndpointList { data: (WebhookEndpoint)[]; meta: PageMeta; }

export interface WebhookReplay { id: string; status: "RUNNING" | "COMPLETED"; total: number; waiting: number; delivered: number; failed: number; createdAt: string; }

export interface WebhookReplayList { data: (WebhookReplay)[]; meta: PageMeta; }

export interface WebhookSecret { secret: string; previousExpiresAt: string; }

export interface Operations {
  "GET /admin/audit": { query: { from?: any; to?: any; timeZone?: string; actorId?: string; targetId?: string; action?: string; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: AuditRecordList };
  "GET /admin/audit/export": { query: { from?: any; to?: any; timeZone?: string; actorId?: string; targetId?: string; action?: string; bom?: boolean }; body: null; answer: null };
  "POST /admin/categories": { query: {  }; body: CreateCategory; answer: Category };
  "PATCH /admin/categories/{category_id}": { query: {  }; body: UpdateCategory; answer: Category };
  "DELETE /admin/categories/{category_id}": { query: {  }; body: null; answer: null };
  "GET /admin/event-sinks": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: EventSinkList };
  "DELETE /admin/event-sinks/{sink_name}": { query: {  }; body: null; answer: null };
  "GET /admin/events": { query: { status?: "RETRYING" | "WAITING" | "PARKED"; sink?: string; type?: string; aggregateId?: string; page?: number; limit?: number; cursor?: string }; body: null; answer: HeldEventList };
  "GET /admin/events/export": { query: { status?: "RETRYING" | "WAITING" | "PARKED"; sink?: string; type?: string; aggregateId?: string; bom?: boolean }; body: null; answer: null };
  "POST /admin/events/{held_event_id}/retry": { query: {  }; body: SettleHeldEvent; answer: HeldEvent };
  "POST /admin/events/{held_event_id}/skip": { query: {  }; body: SettleHeldEvent; answer: null };
  "GET /admin/inbound-events": { query: { from?: any; to?: any; timeZone?: string; provider?: string; status?: "RECEIVED" | "PROCESSED" | "QUARANTINED" | "DISMISSED"; reference?: string; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: InboundEventList };
  "GET /admin/inbound-events/export": { query: { from?: any; to?: any; timeZone?: string; provider?: string; status?: "RECEIVED" | "PROCESSED" | "QUARANTINED" | "DISMISSED"; reference?: string; bom?: boolean }; body: null; answer: null };
  "POST /admin/inbound-events/{event_id}/dismiss": { query: {  }; body: Reason; answer: InboundEvent };
  "POST /admin/inbound-events/{event_id}/retry": { query: {  }; body: Reason; answer: InboundEvent };
  "GET /admin/merchants/{merchant_id}/fee": { query: {  }; body: null; answer: MerchantFee };
  "PUT /admin/merchants/{merchant_id}/fee": { query: {  }; body: SetMerchantFee; answer: MerchantFee };
  "DELETE /admin/merchants/{merchant_id}/fee": { query: {  }; body: null; answer: MerchantFee };
  "GET /admin/on-ramps": { query: { from?: any; to?: any; timeZone?: string; userId?: string; provider?: string; reference?: string; status?: "PROCESSING" | "SUCCESS" | "FAILURE" | "EXPIRED"; quarantined?: boolean; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: OnrampRecordList };
  "GET /admin/on-ramps/export": { query: { from?: any; to?: any; timeZone?: string; userId?: string; provider?: string; reference?: string; status?: "PROCESSING" | "SUCCESS" | "FAILURE" | "EXPIRED"; quarantined?: boolean; bom?: boolean }; body: null; answer: null };
  "GET /admin/orders": { query: { from?: any; to?: any; timeZone?: string; status?: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; number?: string; buyerId?: string; merchantId?: string; productId?: string; paymentMethod?: "WALLET" | "GATEWAY"; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: OrderList };
  "GET /admin/orders/export": { query: { from?: any; to?: any; timeZone?: string; status?: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; number?: string; buyerId?: string; merchantId?: string; productId?: string; paymentMethod?: "WALLET" | "GATEWAY"; bom?: boolean }; body: null; answer: null };
  "GET /admin/orders/{order_id}": { query: {  }; body: null; answer: OrderRecord };
  "POST /admin/orders/{order_id}/refunds": { query: {  }; body: RefundAnyOrder; answer: Refund };
  "GET /admin/orders/{order_id}/refunds/preview": { query: { amount?: string | number; units?: number }; body: null; answer: RefundPreview };
  "GET /admin/payouts": { query: { from?: any; to?: any; timeZone?: string; userId?: string; provider?: string; reference?: string; status?: "PENDING" | "SUBMITTED" | "PAID" | "REFUSED"; flagged?: boolean; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: PayoutRecordList };
  "GET /admin/payouts/export": { query: { from?: any; to?: any; timeZone?: string; userId?: string; provider?: string; reference?: string; status?: "PENDING" | "SUBMITTED" | "PAID" | "REFUSED"; flagged?: boolean; bom?: boolean }; body: null; answer: null };
  "POST /admin/reconciliations": { query: { bom?: boolean; provider?: string; from?: string; to?: string; timeZone?: string; currency?: "USD" | "EUR" | "GBP" | "INR" | "EGP" | "JPY" | "KWD"; columns?: string; decimalComma?: boolean; monthFirst?: boolean; apply?: boolean; format?: "json" | "csv" }; body: null; answer: Reconciliation };
  "GET /admin/refunds": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: RefusedRefundList };
  "GET /admin/refunds/export": { query: { bom?: boolean }; body: null; answer: null };
  "POST /admin/refunds/{refund_id}/settle": { query: {  }; body: SettleRefund; answer: Refund };
  "GET /admin/risk/backtests": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: BacktestList };
  "POST /admin/risk/backtests": { query: {  }; body: CreateRiskBacktest; answer: Backtest };
  "GET /admin/risk/backtests/{backtest_id}": { query: {  }; body: null; answer: Backtest };
  "GET /admin/risk/cases": { query: { status?: "OPEN" | "RELEASED" | "REJECTED" | "EXPIRED"; assignedTo?: string; withSnoozed?: boolean; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: ListedCaseList };
  "GET /admin/risk/cases/export": { query: { status?: "OPEN" | "RELEASED" | "REJECTED" | "EXPIRED"; assignedTo?: string; withSnoozed?: boolean; bom?: boolean }; body: null; answer: null };
  "GET /admin/risk/cases/{case_id}": { query: {  }; body: null; answer: Case };
  "POST /admin/risk/cases/{case_id}/assign": { query: {  }; body: AssignCase; answer: Case };
  "POST /admin/risk/cases/{case_id}/notes": { query: {  }; body: AddCaseNote; answer: Case };
  "POST /admin/risk/cases/{case_id}/reject": { query: {  }; body: Reason; answer: Case };
  "POST /admin/risk/cases/{case_id}/release": { query: {  }; body: ReleaseCase; answer: Case };
  "POST /admin/risk/cases/{case_id}/snooze": { query: {  }; body: SnoozeCase; answer: Case };
  "GET /admin/risk/decisions/{decision_id}": { query: {  }; body: null; answer: RiskDecision };
  "GET /admin/risk/lists": { query: { page?: number; limit?: number; cursor?: string; list?: "ALLOW" | "BLOCK"; kind?: "USER" | "ADDRESS" | "EMAIL_DOMAIN" | "DEVICE" }; body: null; answer: EntryList };
  "POST /admin/risk/lists": { query: {  }; body: AddRiskListEntry; answer: Entry };
  "DELETE /admin/risk/lists/{entry_id}": { query: {  }; body: null; answer: null };
  "GET /admin/risk/models": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: ModelList };
  "GET /admin/risk/models/{model_id}": { query: {  }; body: null; answer: Model };
  "GET /admin/risk/rules": { query: { page?: number; limit?: number; cursor?: string; status?: "DRAFT" | "SHADOW" | "ACTIVE" | "RETIRED"; key?: string }; body: null; answer: RuleList };
  "POST /admin/risk/rules": { query: {  }; body: CreateRiskRule; answer: Rule };
  "GET /admin/risk/rules/{rule_id}": { query: {  }; body: null; answer: Rule };
  "PATCH /admin/risk/rules/{rule_id}": { query: {  }; body: UpdateRiskRule; answer: Rule };
  "DELETE /admin/risk/rules/{rule_id}": { query: {  }; body: null; answer: null };
  "POST /admin/risk/rules/{rule_id}/activate": { query: {  }; body: null; answer: Rule };
  "POST /admin/risk/rules/{rule_id}/retire": { query: {  }; body: null; answer: Rule };
  "POST /admin/risk/rules/{rule_id}/shadow": { query: {  }; body: null; answer: Rule };
  "PUT /admin/roles/{role}/limits": { query: {  }; body: SetLimit; answer: Limit };
  "GET /admin/traffic": { query: {  }; body: null; answer: Traffic };
  "POST /admin/traffic/once": { query: {  }; body: null; answer: MadeTransaction };
  "POST /admin/traffic/start": { query: {  }; body: StartTraffic; answer: Traffic };
  "POST /admin/traffic/stop": { query: {  }; body: null; answer: Traffic };
  "GET /admin/users": { query: { from?: any; to?: any; timeZone?: string; q?: string; role?: "USER" | "MERCHANT" | "ADMIN"; state?: "ACTIVE" | "DEACTIVATED" | "LOCKED"; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: ListedUserList };
  "GET /admin/users/export": { query: { from?: any; to?: any; timeZone?: string; q?: string; role?: "USER" | "MERCHANT" | "ADMIN"; state?: "ACTIVE" | "DEACTIVATED" | "LOCKED"; bom?: boolean }; body: null; answer: null };
  "GET /admin/users/{user_id}": { query: {  }; body: null; answer: UserDetail };
  "POST /admin/users/{user_id}/activate": { query: {  }; body: Reason; answer: User };
  "POST /admin/users/{user_id}/deactivate": { query: {  }; body: Reason; answer: User };
  "GET /admin/users/{user_id}/limits": { query: {  }; body: null; answer: (EffectiveLimit)[] };
  "PUT /admin/users/{user_id}/limits": { query: {  }; body: SetLimit; answer: Limit };
  "DELETE /admin/users/{user_id}/limits": { query: { type?: "DEPOSIT" | "ONRAMP" | "TRANSFER_IN" | "INCOMING" | "WITHDRAWAL" | "PAYOUT" | "TRANSFER_OUT" | "PAYMENT" | "OUTGOING"; window?: "TRANSACTION" | "DAY" | "MONTH" }; body: null; answer: null };
  "GET /admin/users/{user_id}/quotas": { query: {  }; body: null; answer: (Quota)[] };
  "PUT /admin/users/{user_id}/quotas": { query: {  }; body: SetUserQuota; answer: (Quota)[] };
  "POST /admin/users/{user_id}/reset-two-factor": { query: {  }; body: Reason; answer: null };
  "POST /admin/users/{user_id}/revoke-sessions": { query: {  }; body: Reason; answer: null };
  "GET /admin/users/{user_id}/sessions": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: UserSessionList };
  "GET /admin/wallets": { query: { userId?: string; number?: string; isLocked?: boolean; currency?: "USD" | "EUR" | "GBP" | "INR" | "EGP" | "JPY" | "KWD"; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: ListedWalletList };
  "GET /admin/wallets/export": { query: { userId?: string; number?: string; isLocked?: boolean; currency?: "USD" | "EUR" | "GBP" | "INR" | "EGP" | "JPY" | "KWD"; bom?: boolean }; body: null; answer: null };
  "POST /admin/wallets/{wallet_id}/lock": { query: {  }; body: Reason; answer: Wallet };
  "GET /admin/wallets/{wallet_id}/transactions": { query: { from?: any; to?: any; timeZone?: string; type?: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: TransactionList };
  "GET /admin/wallets/{wallet_id}/transactions/export": { query: { from?: any; to?: any; timeZone?: string; type?: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; bom?: boolean }; body: null; answer: null };
  "POST /admin/wallets/{wallet_id}/unlock": { query: {  }; body: Reason; answer: Wallet };
  "GET /auth/api-keys": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: ApiKeyList };
  "POST /auth/api-keys": { query: {  }; body: CreateApiKey; answer: CreatedApiKey };
  "DELETE /auth/api-keys/{api_key_id}": { query: {  }; body: null; answer: null };
  "POST /auth/email": { query: {  }; body: ChangeEmail; answer: null };
  "POST /auth/email/verification": { query: {  }; body: null; answer: null };
  "POST /auth/email/verification/confirm": { query: {  }; body: ConfirmEmailVerification; answer: null };
  "POST /auth/login": { query: {  }; body: Login; answer: LoginResult };
  "POST /auth/logout": { query: {  }; body: null; answer: null };
  "GET /auth/me": { query: {  }; body: null; answer: User };
  "PATCH /auth/me": { query: {  }; body: UpdateCurrentUser; answer: User };
  "POST /auth/password": { query: {  }; body: ChangePassword; answer: null };
  "POST /auth/password/forgotten": { query: {  }; body: RequestPasswordReset; answer: null };
  "POST /auth/password/reset": { query: {  }; body: ResetPassword; answer: null };
  "POST /auth/phone": { query: {  }; body: LoginByPhone; answer: LoginResult };
  "POST /auth/phone/verification": { query: {  }; body: RequestPhoneVerification; answer: null };
  "POST /auth/phone/verification/confirm": { query: {  }; body: ConfirmPhoneVerification; answer: User };
  "POST /auth/refresh": { query: {  }; body: RefreshTokens; answer: TokenPair };
  "POST /auth/refresh/cookie": { query: {  }; body: null; answer: RefreshedSession | null };
  "POST /auth/register": { query: {  }; body: RegisterUser; answer: Registration };
  "GET /auth/sessions": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: (Session)[] };
  "DELETE /auth/sessions/{login_session_id}": { query: {  }; body: null; answer: null };
  "POST /auth/stream-tickets": { query: {  }; body: null; answer: StreamTicket };
  "GET /auth/two-factor": { query: {  }; body: null; answer: TwoFactorStatus };
  "POST /auth/two-factor": { query: {  }; body: EnrolTwoFactor; answer: TwoFactorEnrolment };
  "DELETE /auth/two-factor": { query: {  }; body: DisableTwoFactor; answer: null };
  "POST /auth/two-factor/confirm": { query: {  }; body: TwoFactorCode; answer: RecoveryCodes };
  "POST /auth/two-factor/recovery-codes": { query: {  }; body: TwoFactorCode; answer: RecoveryCodes };
  "GET /categories": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: CategoryList };
  "GET /coupons": { query: { page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: CouponList };
  "POST /coupons": { query: {  }; body: CreateCoupon; answer: Coupon };
  "GET /coupons/{coupon_id}": { query: {  }; body: null; answer: Coupon };
  "PATCH /coupons/{coupon_id}": { query: {  }; body: UpdateCoupon; answer: Coupon };
  "DELETE /coupons/{coupon_id}": { query: {  }; body: null; answer: null };
  "GET /downloads/{download_token}": { query: {  }; body: null; answer: null };
  "GET /events/schemas": { query: {  }; body: null; answer: EventTypes };
  "GET /events/schemas/{event_type}": { query: { version?: number }; body: null; answer: null };
  "GET /giveaways": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: GiveawayList };
  "POST /giveaways": { query: {  }; body: CreateGiveaway; answer: Giveaway };
  "GET /giveaways/by-token/{giveaway_token}": { query: {  }; body: null; answer: GiveawayOffer };
  "POST /giveaways/by-token/{giveaway_token}/claim": { query: {  }; body: null; answer: Order };
  "GET /giveaways/{giveaway_id}": { query: {  }; body: null; answer: Giveaway };
  "GET /giveaways/{giveaway_id}/claims": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: GiveawayClaimList };
  "POST /giveaways/{giveaway_id}/close": { query: {  }; body: null; answer: Giveaway };
  "GET /giveaways/{giveaway_id}/file": { query: { bom?: boolean }; body: null; answer: null };
  "GET /images/{image_id}/{side}.webp": { query: {  }; body: null; answer: null };
  "GET /insights/health": { query: {  }; body: null; answer: SystemHealth };
  "GET /insights/sales": { query: { from?: any; to?: any; timeZone?: string }; body: null; answer: SalesReport };
  "GET /insights/slo": { query: {  }; body: null; answer: ObjectiveReport };
  "GET /insights/stats": { query: {  }; body: null; answer: Stats };
  "GET /insights/transactions": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: FeedTransactionList };
  "POST /licences/activate": { query: {  }; body: ActivateLicence; answer: LicenceActivation };
  "POST /licences/deactivate": { query: {  }; body: DeactivateLicence; answer: Licence };
  "POST /licences/file": { query: {  }; body: CreateLicenceFile; answer: LicenceFile };
  "GET /licences/keys": { query: {  }; body: null; answer: PublicKeySet };
  "POST /licences/validate": { query: {  }; body: ValidateLicence; answer: LicenceValidation };
  "GET /licences/{licence_id}/activations": { query: { page?: number; limit?: number; cursor?: string; includePast?: boolean }; body: null; answer: MachineList };
  "DELETE /licences/{licence_id}/activations/{activation_id}": { query: {  }; body: null; answer: null };
  "GET /merchant-codes": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: MerchantCodeList };
  "POST /merchant-codes": { query: {  }; body: CreateMerchantCode; answer: MerchantCode };
  "GET /merchant-codes/by-token/{merchant_code_token}": { query: {  }; body: null; answer: PublicMerchantCode };
  "GET /merchant-codes/{merchant_code_id}": { query: {  }; body: null; answer: MerchantCode };
  "POST /merchant-codes/{merchant_code_id}/deactivate": { query: {  }; body: null; answer: MerchantCode };
  "GET /merchant-codes/{merchant_code_id}/qr.png": { query: { size?: number }; body: null; answer: null };
  "GET /merchant-codes/{merchant_code_id}/qr.svg": { query: { size?: number }; body: null; answer: null };
  "GET /merchant-codes/{merchant_code_id}/sheet.svg": { query: {  }; body: null; answer: null };
  "POST /merchant-codes/{merchant_code_token}/pay": { query: {  }; body: PayMerchantCode; answer: Order | Transfer | Review };
  "GET /notifications": { query: { page?: number; limit?: number; cursor?: string; unread?: boolean }; body: null; answer: NotificationList };
  "GET /notifications/preferences": { query: {  }; body: null; answer: NotificationPreferences };
  "PUT /notifications/preferences": { query: {  }; body: SetNotificationPreferences; answer: NotificationPreferences };
  "POST /notifications/read": { query: {  }; body: null; answer: UnreadCount };
  "GET /notifications/unread-count": { query: {  }; body: null; answer: UnreadCount };
  "POST /notifications/{notification_id}/read": { query: {  }; body: null; answer: Notification };
  "GET /onramp": { query: { page?: number; limit?: number; cursor?: string; status?: "PROCESSING" | "SUCCESS" | "FAILURE" | "EXPIRED" }; body: null; answer: OnrampList };
  "POST /onramp": { query: {  }; body: CreateOnramp; answer: Onramp };
  "GET /onramp/providers": { query: {  }; body: null; answer: (OnrampProvider)[] };
  "POST /onramp/webhooks/{provider}": { query: {  }; body: BankEvent; answer: BankEventReceipt };
  "GET /onramp/{onramp_id}": { query: {  }; body: null; answer: Onramp };
  "GET /orders": { query: { from?: any; to?: any; timeZone?: string; status?: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; number?: string; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: OrderList };
  "POST /orders": { query: {  }; body: CreateOrder; answer: Order | Checkout };
  "GET /orders/merchant/sales": { query: { from?: any; to?: any; timeZone?: string; status?: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; number?: string; productId?: string; buyerId?: string; buyerEmail?: string; couponId?: string; refunded?: "NONE" | "PARTIAL" | "FULL"; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: OrderList };
  "GET /orders/merchant/sales/export": { query: { from?: any; to?: any; timeZone?: string; status?: "PENDING" | "PAYMENT_PROCESSING" | "PENDING_REVIEW" | "COMPLETED" | "FAILED" | "CANCELLED" | "REFUNDED"; number?: string; productId?: string; buyerId?: string; buyerEmail?: string; couponId?: string; refunded?: "NONE" | "PARTIAL" | "FULL"; bom?: boolean }; body: null; answer: null };
  "GET /orders/merchant/summary": { query: { from?: any; to?: any; timeZone?: string; productId?: string }; body: null; answer: SalesSummary };
  "GET /orders/{order_id}": { query: {  }; body: null; answer: OrderDetail };
  "POST /orders/{order_id}/cancel": { query: {  }; body: null; answer: Order };
  "GET /orders/{order_id}/delivery": { query: {  }; body: null; answer: Delivery };
  "POST /orders/{order_id}/downloads/reset": { query: {  }; body: null; answer: DownloadAllowance };
  "GET /orders/{order_id}/page": { query: {  }; body: null; answer: OrderPageLink };
  "POST /orders/{order_id}/page/revoke": { query: {  }; body: null; answer: OrderPageLink };
  "POST /orders/{order_id}/refund-requests": { query: {  }; body: CreateRefundRequest; answer: RefundRequest };
  "GET /orders/{order_id}/refunds": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: (Refund)[] };
  "POST /orders/{order_id}/refunds": { query: {  }; body: CreateRefund; answer: Refund };
  "GET /orders/{order_id}/refunds/preview": { query: { amount?: string | number; units?: number }; body: null; answer: RefundPreview };
  "GET /payment-requests": { query: { page?: number; limit?: number; cursor?: string; role?: "requester" | "payer" }; body: null; answer: PaymentRequestList };
  "POST /payment-requests": { query: {  }; body: CreatePaymentRequest; answer: PaymentRequest };
  "GET /payment-requests/by-token/{payment_request_token}": { query: {  }; body: null; answer: PublicPaymentRequest };
  "GET /payment-requests/{payment_request_id}": { query: {  }; body: null; answer: PaymentRequest };
  "POST /payment-requests/{payment_request_id}/cancel": { query: {  }; body: null; answer: PaymentRequest };
  "POST /payment-requests/{payment_request_id}/decline": { query: {  }; body: null; answer: PaymentRequest };
  "POST /payment-requests/{payment_request_id}/pay": { query: {  }; body: PayPaymentRequest; answer: Transfer | Review };
  "GET /payment-requests/{payment_request_id}/qr.png": { query: { size?: number }; body: null; answer: null };
  "GET /payment-requests/{payment_request_id}/qr.svg": { query: { size?: number }; body: null; answer: null };
  "GET /products": { query: { page?: number; limit?: number; cursor?: string; q?: string; minPrice?: string | number; maxPrice?: string | number; merchantId?: string; category?: string; sort?: "relevance" | "newest" | "oldest" | "price" | "-price" | "name" | "-name" }; body: null; answer: (Product)[] };
  "POST /products": { query: {  }; body: CreateProduct; answer: Product };
  "POST /products/import": { query: { dryRun?: boolean }; body: null; answer: ProductImport };
  "GET /products/merchant/export": { query: { q?: string; kind?: "PLAIN" | "CODES" | "LICENCE" | "FILE"; availability?: "ON_SALE" | "SOLD_OUT" | "NOT_READY" | "INACTIVE"; maxUnits?: number; bom?: boolean }; body: null; answer: null };
  "GET /products/merchant/my-products": { query: { q?: string; kind?: "PLAIN" | "CODES" | "LICENCE" | "FILE"; availability?: "ON_SALE" | "SOLD_OUT" | "NOT_READY" | "INACTIVE"; maxUnits?: number; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" | "price" | "-price" | "name" | "-name" | "stock" | "-stock"; includeDeleted?: boolean }; body: null; answer: (Product)[] };
  "GET /products/{product_id}": { query: {  }; body: null; answer: Product };
  "PATCH /products/{product_id}": { query: {  }; body: UpdateProduct; answer: Product };
  "DELETE /products/{product_id}": { query: {  }; body: null; answer: DeletedProduct };
  "GET /products/{product_id}/codes": { query: { page?: number; limit?: number; cursor?: string; status?: "AVAILABLE" | "SOLD" | "REVOKED" }; body: null; answer: ProductCodeList };
  "POST /products/{product_id}/codes": { query: { column?: string; header?: boolean; allowDamaged?: boolean; dryRun?: boolean }; body: null; answer: CodeFilePreview | CodeUpload };
  "GET /products/{product_id}/codes/summary": { query: {  }; body: null; answer: ProductCodeSummary };
  "GET /products/{product_id}/codes/uploads": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: CodeUploadList };
  "GET /products/{product_id}/codes/uploads/{upload_id}": { query: {  }; body: null; answer: CodeUpload };
  "DELETE /products/{product_id}/codes/{code_id}": { query: {  }; body: null; answer: null };
  "POST /products/{product_id}/codes/{code_id}/reissue": { query: {  }; body: Revoke; answer: ProductCode };
  "POST /products/{product_id}/codes/{code_id}/revoke": { query: {  }; body: Revoke; answer: ProductCode };
  "GET /products/{product_id}/file": { query: {  }; body: null; answer: ProductFile };
  "PUT /products/{product_id}/file": { query: { name?: string }; body: null; answer: ProductFile };
  "DELETE /products/{product_id}/file": { query: {  }; body: null; answer: null };
  "GET /products/{product_id}/file/upload": { query: {  }; body: null; answer: FileUpload };
  "POST /products/{product_id}/file/upload": { query: {  }; body: CreateFileUpload; answer: FileUpload };
  "DELETE /products/{product_id}/file/upload/{upload_id}": { query: {  }; body: null; answer: null };
  "POST /products/{product_id}/file/upload/{upload_id}/complete": { query: {  }; body: CompleteFileUpload; answer: ProductFile };
  "PUT /products/{product_id}/file/upload/{upload_id}/parts/{number}": { query: {  }; body: null; answer: FilePart };
  "POST /products/{product_id}/images": { query: { alt?: string }; body: null; answer: Image };
  "PATCH /products/{product_id}/images/{image_id}": { query: {  }; body: UpdateProductImage; answer: Image };
  "DELETE /products/{product_id}/images/{image_id}": { query: {  }; body: null; answer: null };
  "GET /products/{product_id}/licence-terms": { query: {  }; body: null; answer: LicenceTerms };
  "PUT /products/{product_id}/licence-terms": { query: {  }; body: SetLicenceTerms; answer: LicenceTerms };
  "POST /products/{product_id}/licence-terms/apply": { query: {  }; body: null; answer: LicenceTerms };
  "GET /products/{product_id}/licences": { query: { page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest"; buyerEmail?: string; orderId?: string; isRevoked?: boolean }; body: null; answer: SoldLicenceList };
  "POST /products/{product_id}/licences/{licence_id}/reissue": { query: {  }; body: Revoke; answer: SoldLicence };
  "POST /products/{product_id}/licences/{licence_id}/revoke": { query: {  }; body: Revoke; answer: SoldLicence };
  "GET /quotas": { query: {  }; body: null; answer: (Quota)[] };
  "GET /refund-requests": { query: { page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest"; role?: "buyer" | "merchant"; orderId?: string; status?: "OPEN" | "APPROVED" | "DECLINED" | "WITHDRAWN" }; body: null; answer: RefundRequestList };
  "POST /refund-requests/{refund_request_id}/approve": { query: {  }; body: RefundRequestAnswer; answer: RefundRequest };
  "POST /refund-requests/{refund_request_id}/decline": { query: {  }; body: RefundRequestAnswer; answer: RefundRequest };
  "POST /refund-requests/{refund_request_id}/withdraw": { query: {  }; body: null; answer: RefundRequest };
  "GET /shop": { query: {  }; body: null; answer: Shop };
  "PATCH /shop": { query: {  }; body: UpdateShop; answer: Shop };
  "PUT /shop/logo": { query: {  }; body: null; answer: Shop };
  "DELETE /shop/logo": { query: {  }; body: null; answer: Shop };
  "GET /shops/{merchant_id}": { query: {  }; body: null; answer: PublicShop };
  "GET /transfers": { query: { page?: number; limit?: number; cursor?: string; direction?: "in" | "out" }; body: null; answer: TransferList };
  "POST /transfers": { query: {  }; body: CreateTransfer; answer: Transfer | Review };
  "GET /transfers/recipient": { query: { email?: string; phone?: string; walletNumber?: string; userId?: string }; body: null; answer: Recipient };
  "GET /transfers/{transfer_id}": { query: {  }; body: null; answer: Transfer };
  "GET /transfers/{transfer_id}/receipt": { query: {  }; body: null; answer: ReceiptLink };
  "POST /transfers/{transfer_id}/receipt/revoke": { query: {  }; body: null; answer: ReceiptLink };
  "GET /wallet": { query: { at?: string }; body: null; answer: WalletSnapshot };
  "GET /wallet/bank-accounts": { query: {  }; body: null; answer: (BankAccount)[] };
  "POST /wallet/bank-accounts": { query: {  }; body: CreateBankAccount; answer: BankAccount };
  "DELETE /wallet/bank-accounts/{bank_account_id}": { query: {  }; body: null; answer: null };
  "POST /wallet/deposit": { query: {  }; body: CreateDeposit; answer: WalletMovement };
  "GET /wallet/holds": { query: { page?: number; limit?: number; cursor?: string; role?: "payer" | "payee"; status?: "ACTIVE" | "CAPTURED" | "VOIDED" | "EXPIRED" }; body: null; answer: HoldList };
  "POST /wallet/holds": { query: {  }; body: CreateHold; answer: Hold | Review };
  "GET /wallet/holds/{hold_id}": { query: {  }; body: null; answer: Hold };
  "POST /wallet/holds/{hold_id}/capture": { query: {  }; body: CaptureHold; answer: Hold };
  "POST /wallet/holds/{hold_id}/void": { query: {  }; body: null; answer: Hold };
  "GET /wallet/limits": { query: {  }; body: null; answer: (EffectiveLimit)[] };
  "GET /wallet/payouts": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: PayoutList };
  "POST /wallet/payouts": { query: {  }; body: CreatePayout; answer: Payout | Review };
  "GET /wallet/payouts/{payout_id}": { query: {  }; body: null; answer: Payout };
  "GET /wallet/reviews": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: ReviewList };
  "GET /wallet/reviews/{review_id}": { query: {  }; body: null; answer: Review };
  "GET /wallet/statement": { query: { from?: any; to?: any; timeZone?: string; bom?: boolean; format?: "json" | "csv" | "pdf" }; body: null; answer: Statement };
  "GET /wallet/transactions": { query: { from?: any; to?: any; timeZone?: string; type?: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; page?: number; limit?: number; cursor?: string; sort?: "newest" | "oldest" }; body: null; answer: TransactionList };
  "GET /wallet/transactions/export": { query: { from?: any; to?: any; timeZone?: string; type?: "DEPOSIT" | "WITHDRAWAL" | "ONRAMP" | "PAYOUT" | "TRANSFER_IN" | "TRANSFER_OUT" | "PAYMENT" | "EARNING" | "FEE" | "REFUND" | "REFUND_OUT" | "FEE_REFUND"; bom?: boolean }; body: null; answer: null };
  "GET /wallet/transactions/{transaction_id}": { query: {  }; body: null; answer: Transaction };
  "POST /wallet/withdraw": { query: {  }; body: CreateWithdrawal; answer: WalletMovement | Review };
  "GET /webhook-endpoints": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: WebhookEndpointList };
  "POST /webhook-endpoints": { query: {  }; body: CreateWebhookEndpoint; answer: CreatedWebhookEndpoint };
  "GET /webhook-endpoints/{endpoint_id}": { query: {  }; body: null; answer: WebhookEndpoint };
  "PATCH /webhook-endpoints/{endpoint_id}": { query: {  }; body: UpdateWebhookEndpoint; answer: WebhookEndpoint };
  "DELETE /webhook-endpoints/{endpoint_id}": { query: {  }; body: null; answer: null };
  "GET /webhook-endpoints/{endpoint_id}/deliveries": { query: { page?: number; limit?: number; cursor?: string; status?: "WAITING" | "HELD" | "DELIVERED" | "FAILED" | "SKIPPED"; eventType?: "order-pending" | "order-under-review" | "order-rejected" | "order-completed" | "order-payment-failed" | "order-failed" | "order-cancelled" | "order-refunded" | "refund-settled" | "refund-redirected" | "refund-paid-externally" | "refund-requested" | "refund-request-approved" | "refund-request-declined" | "refund-request-withdrawn" | "giveaway-created" | "giveaway-closed" | "product-file-uploaded" | "product-file-removed" | "file-downloaded" | "downloads-reset" | "codes-uploaded" | "code-removed" | "codes-revoked" | "code-revoked" | "code-reissued" | "licence-activated" | "licence-deactivated" | "licence-revoked" | "licence-reissued" | "licence-limit-reached" | "licence-terms-changed" | "licence-terms-applied" | "stock-low" | "webhook-endpoint-disabled" | "payout-submitted" | "payout-paid" | "payout-refused" | "payment-request-created" | "payment-request-paid" | "payment-request-declined" | "payment-request-cancelled" | "payment-request-expired" | "transfer-completed" | "hold-placed" | "hold-captured" | "hold-released"; objectId?: string }; body: null; answer: WebhookDeliveryList };
  "GET /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}": { query: {  }; body: null; answer: WebhookDeliveryDetails };
  "GET /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/attempts": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: WebhookAttemptList };
  "POST /webhook-endpoints/{endpoint_id}/ping": { query: {  }; body: null; answer: WebhookDelivery };
  "GET /webhook-endpoints/{endpoint_id}/replays": { query: { page?: number; limit?: number; cursor?: string }; body: null; answer: WebhookReplayList };
  "POST /webhook-endpoints/{endpoint_id}/replays": { query: {  }; body: CreateWebhookReplay; answer: WebhookReplay };
  "GET /webhook-endpoints/{endpoint_id}/replays/{replay_id}": { query: {  }; body: null; answer: WebhookReplay };
  "POST /webhook-endpoints/{endpoint_id}/rotate-secret": { query: {  }; body: RotateWebhookSecret; answer: WebhookSecret };
  "POST /webhooks/stripe": { query: {  }; body: StripeEvent; answer: StripeEventReceipt };
}
