/** A second schema, as an analyst of a shop would find it: types, names and relations that only PostgreSQL has. */
export const salesSql: readonly string[] = [
  "create schema sales",
  "create type sales.order_status as enum ('new', 'paid', 'shipped', 'returned')",
  "create domain sales.percent as numeric(5, 2) check (value between 0 and 100)",
  `create table sales.customer (id bigint generated always as identity primary key, full_name text not null, email text, phone text, birthday date,
     country char(2) not null, tags text[] not null default '{}', attributes jsonb not null default '{}', signed_up timestamptz not null, active boolean not null default true,
     credit numeric(12, 2), discount sales.percent, email_domain text generated always as (split_part(email, '@', 2)) stored)`,
  `insert into sales.customer (full_name, email, phone, birthday, country, tags, attributes, signed_up, active, credit, discount)
     select 'Customer ' || i, 'canary' || i || '@masked.test', '+49-' || i, date '1935-01-01' + i * 100, (array['DE', 'FR', 'US', 'PT'])[i % 4 + 1],
       case when i % 3 = 0 then array['vip', 'newsletter'] when i % 3 = 1 then array['newsletter'] else '{}' end,
       jsonb_build_object('plan', (array['free', 'pro', 'team'])[i % 3 + 1], 'seats', i % 7, 'address', jsonb_build_object('city', 'City ' || i % 5, 'zip', lpad(i::text, 5, '0'))),
       timestamptz '2025-01-01 00:00:00+00' + i * interval '9 days', i % 5 <> 0, i * 10.25, i % 20 from generate_series(1, 40) i`,
  `create table sales.product (sku text primary key, title text not null, price numeric(10, 2) not null, category text, spec jsonb, on_sale daterange,
     search tsvector generated always as (to_tsvector('english', title)) stored)`,
  `insert into sales.product (sku, title, price, category, spec, on_sale) select 'SKU-' || i, (array['Red running shoes', 'Blue desk lamp', 'Wooden office desk', 'Running jacket'])[i % 4 + 1] || ' ' || i,
       i * 3.5, (array['sport', 'home', 'office', 'sport'])[i % 4 + 1], jsonb_build_object('weight', i, 'colors', jsonb_build_array('red', 'blue'), 'dims', jsonb_build_object('w', i, 'h', i * 2)),
       daterange(date '2026-01-01' + i, date '2026-02-01' + i) from generate_series(1, 12) i`,
  `create table sales."order" (id integer primary key, customer_id bigint references sales.customer, placed_at timestamptz not null, status sales.order_status not null, "limit" integer, notes text, lead interval)`,
  `insert into sales."order" select i, i % 40 + 1, timestamptz '2026-01-01 08:00:00+00' + i * interval '31 hours', (enum_range(null::sales.order_status))[i % 4 + 1], i % 6,
       case when i % 4 = 0 then 'call first; then ship' when i % 4 = 1 then 'leave at door -- back' end, i * interval '2 hours' from generate_series(1, 80) i`,
  'create table sales.order_line (order_id integer references sales."order", line_no integer, sku text references sales.product, quantity integer not null, unit_price numeric(10, 2) not null, primary key (order_id, line_no))',
  "insert into sales.order_line select i % 80 + 1, i / 80 + 1, 'SKU-' || i % 12 + 1, i % 4 + 1, i % 9 + 0.5 from generate_series(0, 159) i",
  "create table sales.page_view (id bigint primary key, customer_id bigint, url text not null, at timestamp not null, payload jsonb, took interval)",
  `insert into sales.page_view select i, i % 40 + 1, 'https://shop.test/' || (array['cart', 'home', 'item/4711?ref=mail', 'checkout'])[i % 4 + 1], timestamp '2026-03-01 00:00:00' + i * interval '37 minutes',
       jsonb_build_object('ms', i * 3, 'ab', (array['a', 'b'])[i % 2 + 1], 'events', jsonb_build_array(jsonb_build_object('t', 'click', 'n', i % 3))), i * interval '1 second' from generate_series(1, 120) i`,
  "create table sales.employee (id integer primary key, name text, manager_id integer references sales.employee, hired date, department text, salary numeric(10, 2))",
  "insert into sales.employee select i, 'Employee ' || i, nullif(i / 3, 0), date '2020-01-01' + i * 40, (array['Sales', 'IT', 'HR'])[i % 3 + 1], 777000 + i from generate_series(1, 15) i",
  `create view sales.order_total as select o.id, o.customer_id, o.placed_at, o.status, sum(l.quantity * l.unit_price) as total from sales."order" o join sales.order_line l on l.order_id = o.id group by o.id`,
  "create view sales.contact_card as select id, full_name, email, coalesce(phone, 'none') as phone, country from sales.customer where active",
  "create materialized view sales.monthly as select date_trunc('month', placed_at at time zone 'UTC') as month, count(*) as orders from sales.\"order\" group by 1",
];

/** What `reader` does not see of it. */
export const salesRules = `      - { schema: sales, table: customer, column: email, mask: redact }
      - { schema: sales, table: customer, column: phone, mask: partial }
      - { schema: sales, table: customer, column: birthday, mask: "null" }
      - { schema: sales, table: employee, column: salary, access: none }
`;

/** Its tables, for a filter that keeps every row. */
export const salesTables = ", customer, product, order, order_line, page_view, employee";
