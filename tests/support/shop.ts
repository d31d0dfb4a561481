import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { tempFolder } from "./binary.ts";

/** A small SQLite shop: customers and orders with keys, an index and a view. Returns its path. */
export function shopDatabase(folder = tempFolder(), orders = 1000): string {
  const path = join(folder, "shop.db");
  const db = new DatabaseSync(path);
  db.exec(`
    create table customers (id integer primary key, name text not null, city text);
    create table orders (id integer primary key, customer_id integer not null references customers(id), amount decimal(10,2), placed_at timestamp);
    create index orders_customer on orders(customer_id);
    create view big_orders as select * from orders where amount > 500;
    insert into customers values (1, 'Ana', 'Lisbon'), (2, 'Bo', null), (3, 'Chloé, "the" third', '');
    insert into orders with recursive n(i) as (select 1 union all select i + 1 from n where i < ${orders})
      select i, 1 + i % 3, i * 1.5, '2024-01-01 00:00:00' from n;
  `);
  db.close();
  return path;
}
