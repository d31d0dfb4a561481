import { DatabaseSync } from "node:sqlite";
import type { Shop } from "./shop.ts";
import type { DemoTable } from "./table.ts";

const schema = `
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  city TEXT NOT NULL,
  country TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  newsletter BOOLEAN NOT NULL DEFAULT 0
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  price DECIMAL(10,2) NOT NULL CHECK (price > 0),
  discontinued_on DATE
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  status TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'returned', 'cancelled')),
  ordered_at TIMESTAMP NOT NULL,
  shipped_at TIMESTAMP CHECK (shipped_at > ordered_at)
);
CREATE TABLE order_items (
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_price DECIMAL(10,2) NOT NULL,
  PRIMARY KEY (order_id, line)
) WITHOUT ROWID;
CREATE TABLE reviews (
  id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL REFERENCES products (id),
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
  title TEXT,
  body TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
);`;

/** Made after the rows: faster, and the index pages are full. */
const rest = `
CREATE INDEX customers_country ON customers (country, city);
CREATE INDEX products_category ON products (category);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_ordered_at ON orders (ordered_at);
CREATE INDEX orders_open ON orders (status) WHERE shipped_at IS NULL;
CREATE INDEX order_items_product ON order_items (product_id);
CREATE UNIQUE INDEX reviews_once ON reviews (product_id, customer_id);
CREATE VIEW order_totals AS
  SELECT o.id AS order_id, o.customer_id, o.status, o.ordered_at, sum(i.quantity) AS pieces, round(sum(i.quantity * i.unit_price), 2) AS total
  FROM orders o JOIN order_items i ON i.order_id = o.id
  GROUP BY o.id;
CREATE VIEW monthly_revenue AS
  SELECT strftime('%Y-%m', ordered_at) AS month, count(*) AS orders, round(sum(total), 2) AS revenue
  FROM order_totals
  WHERE status NOT IN ('cancelled', 'returned')
  GROUP BY 1;
ANALYZE;`;

/** Writes the shop to a new SQLite file. The file is worthless until this returns: nothing is synced on the way. */
export function writeSqlite(path: string, shop: Shop): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;");
    database.exec(schema);
    for (const table of Object.values(shop)) insert(database, table);
    database.exec(rest);
  } finally {
    database.close();
  }
}

function insert(database: DatabaseSync, { name, columns, rows }: DemoTable): void {
  const names = Object.keys(columns);
  const statement = database.prepare(`INSERT INTO ${name} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`);
  database.exec("BEGIN");
  for (const row of rows) statement.run(...row);
  database.exec("COMMIT");
}
