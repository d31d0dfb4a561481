import { afterLastDay, dayMillis, firstDay, spread, timestamp } from "./calendar.ts";
import { makeProduct, type Product } from "./goods.ts";
import { makeOpinion } from "./opinions.ts";
import { makePerson } from "./people.ts";
import { createRandom, type Random } from "./random.ts";
import type { Cell, DemoTable } from "./table.ts";

/** The same shop every time: what a page says about the demo stays true. */
const seed = 20230101;
const counts = { customers: 5_000, products: 320, orders: 42_000, reviews: 8_000 } as const;
/** The first customers registered before the first order. */
const registrationStart = firstDay - 184 * dayMillis;

export interface Shop {
  readonly customers: DemoTable;
  readonly products: DemoTable;
  readonly orders: DemoTable;
  readonly orderItems: DemoTable;
  readonly reviews: DemoTable;
}

/** Makes up a shop: customers, products, three years of orders with a week's and a year's rhythm, and reviews. */
export function makeShop(): Shop {
  const random = createRandom(seed);
  const products = Array.from({ length: counts.products }, (_, index) => makeProduct(index + 1, random));
  const customers = makeCustomers(random);
  const { orders, orderItems, bought } = makeOrders(products, customers, random);
  return {
    customers: customersTable(customers),
    products: productsTable(products),
    orders,
    orderItems,
    reviews: makeReviews(bought, random),
  };
}

interface Customer {
  readonly cells: readonly Cell[];
  readonly registered: number;
}

function makeCustomers(random: Random): Customer[] {
  const customers: Customer[] = [];
  for (const { day, count } of spread(counts.customers, registrationStart, afterLastDay)) {
    const times = Array.from({ length: count }, () => day + secondOfDay(random) * 1000).sort((a, b) => a - b);
    for (const registered of times) {
      const id = customers.length + 1;
      const { name, email, city, country } = makePerson(id, random);
      customers.push({ registered, cells: [id, name, email, city, country, timestamp(registered), random.chance(0.4) ? 1 : 0] });
    }
  }
  return customers;
}

interface Bought {
  readonly customerId: number;
  readonly productId: number;
  readonly arrived: number;
}

function makeOrders(products: readonly Product[], customers: readonly Customer[], random: Random) {
  const orders: Cell[][] = [];
  const items: Cell[][] = [];
  const bought: Bought[] = [];
  const favourites = shuffled(products.length, random);
  let registered = 0;
  for (const { day, count } of spread(counts.orders, firstDay, afterLastDay)) {
    while ((customers[registered]?.registered ?? Infinity) < day) registered++;
    const times = Array.from({ length: count }, () => day + secondOfDay(random) * 1000).sort((a, b) => a - b);
    for (const ordered of times) {
      const id = orders.length + 1;
      const customerId = random.early(registered) + 1;
      const { status, shipped } = makeProgress(ordered, random);
      orders.push([id, customerId, status, timestamp(ordered), shipped === undefined ? null : timestamp(shipped)]);
      for (const [line, productId] of [...makeBasket(favourites, random)].entries()) {
        items.push([id, line + 1, productId, makeQuantity(random), euros(priceOn(ordered, products[productId - 1] as Product))]);
        if (status === "delivered" && shipped !== undefined) bought.push({ customerId, productId, arrived: shipped + 2 * dayMillis });
      }
    }
  }
  return { orders: ordersTable(orders), orderItems: itemsTable(items), bought };
}

/** Evenings are busy, nights are not. */
const hours = [
  0, 1, 6, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 14, 15, 16, 17, 18, 18, 19, 19, 19, 20, 20, 20, 21, 21, 21, 22, 22, 23,
] as const;

function secondOfDay(random: Random): number {
  return random.pick(hours) * 3600 + random.whole(0, 3599);
}

/** What has become of an order by the last day: most arrived, some never left, the newest are under way. */
function makeProgress(ordered: number, random: Random): { readonly status: string; readonly shipped?: number } {
  const shipped = ordered + random.whole(5, 70) * 3_600_000;
  const fate = random.next();
  if (fate < 0.04) return { status: "cancelled" };
  if (shipped >= afterLastDay) return { status: fate < 0.3 ? "pending" : "paid" };
  if (shipped + 3 * dayMillis >= afterLastDay) return { status: "shipped", shipped };
  return { status: fate < 0.085 ? "returned" : "delivered", shipped };
}

/** Different products, a few of them in most baskets of the shop. */
function makeBasket(favourites: readonly number[], random: Random): Set<number> {
  const size = random.pick([1, 1, 1, 2, 2, 2, 3, 3, 4, 6]);
  return new Set(Array.from({ length: size }, () => (favourites[random.longTail(favourites.length)] ?? 0) + 1));
}

function makeQuantity(random: Random): number {
  return random.pick([1, 1, 1, 1, 1, 1, 2, 2, 3, 5]);
}

/** A tenth less in the last week of November. */
function priceOn(ordered: number, { cents }: Product): number {
  const day = new Date(ordered);
  return day.getUTCMonth() === 10 && day.getUTCDate() >= 24 ? Math.round(cents * 0.9) : cents;
}

function makeReviews(bought: readonly Bought[], random: Random): DemoTable {
  const chosen = new Map<string, Bought>();
  while (chosen.size < counts.reviews) {
    const purchase = bought[random.whole(0, bought.length - 1)] as Bought;
    chosen.set(`${purchase.customerId} ${purchase.productId}`, purchase);
  }
  const written = [...chosen.values()]
    .map((purchase) => ({ ...purchase, at: Math.min(purchase.arrived + random.whole(1, 400) * 3_600_000, afterLastDay - 1000) }))
    .sort((a, b) => a.at - b.at);
  return reviewsTable(
    written.map(({ productId, customerId, at }, index) => {
      const { rating, title, body } = makeOpinion(random);
      return [index + 1, productId, customerId, rating, title, body, timestamp(at)];
    }),
  );
}

function shuffled(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const other = random.whole(0, last);
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}

/** Text, so that 19.90 keeps its zero on the way to a decimal column. */
function euros(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

function customersTable(customers: readonly Customer[]): DemoTable {
  return {
    name: "customers",
    columns: { id: "INTEGER", name: "TEXT", email: "TEXT", city: "TEXT", country: "TEXT", created_at: "TIMESTAMP", newsletter: "BOOLEAN" },
    rows: customers.map(({ cells }) => cells),
  };
}

function productsTable(products: readonly Product[]): DemoTable {
  return {
    name: "products",
    columns: { id: "INTEGER", sku: "TEXT", name: "TEXT", category: "TEXT", price: "DECIMAL(10,2)", discontinued_on: "DATE" },
    rows: products.map(({ sku, name, category, cents, discontinuedOn }, index) => [
      index + 1,
      sku,
      name,
      category,
      euros(cents),
      discontinuedOn,
    ]),
  };
}

function ordersTable(rows: readonly Cell[][]): DemoTable {
  return {
    name: "orders",
    columns: { id: "INTEGER", customer_id: "INTEGER", status: "TEXT", ordered_at: "TIMESTAMP", shipped_at: "TIMESTAMP" },
    rows,
  };
}

function itemsTable(rows: readonly Cell[][]): DemoTable {
  return {
    name: "order_items",
    columns: { order_id: "INTEGER", line: "INTEGER", product_id: "INTEGER", quantity: "INTEGER", unit_price: "DECIMAL(10,2)" },
    rows,
  };
}

function reviewsTable(rows: readonly Cell[][]): DemoTable {
  return {
    name: "reviews",
    columns: {
      id: "INTEGER",
      product_id: "INTEGER",
      customer_id: "INTEGER",
      rating: "INTEGER",
      title: "TEXT",
      body: "TEXT",
      created_at: "TIMESTAMP",
    },
    rows,
  };
}
