// Sells, refunds and reads sales with the generated types. Arguments: the address of the API.

import createClient from "openapi-fetch";
import { randomUUID } from "node:crypto";
import type { paths } from "./api.js";

const baseUrl = process.argv[2]!;

async function register(role: "USER" | "MERCHANT") {
  const { data, error } = await createClient<paths>({ baseUrl }).POST("/api/v1/auth/register", {
    body: { email: `${randomUUID()}@example.com`, password: "a-fine-secret-17", role },
  });
  if (!data) throw new Error(JSON.stringify(error));
  return createClient<paths>({
    baseUrl,
    headers: { Authorization: `Bearer ${data.accessToken}` },
  });
}

function answered<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  if (!data) throw new Error(JSON.stringify(error));
  return data;
}

const shop = await register("MERCHANT");
const buyer = await register("USER");
const product = answered(
  await shop.POST("/api/v1/products", {
    body: { name: "Field Guide", price: "19.99", availableUnits: 5 },
  }),
);
answered(await buyer.POST("/api/v1/wallet/deposit", { body: { amount: "100.00" } }));
const order = answered(
  await buyer.POST("/api/v1/orders", {
    body: { productId: product.id, paymentMethod: "WALLET", quantity: 2 },
  }),
);
if (order.object !== "order") throw new Error(order.checkoutUrl ?? "no address");
const refund = answered(
  await shop.POST("/api/v1/orders/{order_id}/refunds", {
    params: { path: { order_id: order.id } },
    body: { units: 1 },
  }),
);
const sales = answered(await shop.GET("/api/v1/orders/merchant/sales"));
const wallet = answered(await buyer.GET("/api/v1/wallet"));
console.log(order.amount, refund.amount, sales.data[0]!.refundedAmount, wallet.balance);
