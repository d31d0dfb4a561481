import { join } from "node:path";

export interface DemoCommand {
  readonly about: string;
  /** Can be pasted into a shell as it is. */
  readonly line: string;
}

/** Five commands worth trying. `shown` is the folder as the user wrote it, `folder` the same as an absolute path. */
export function demoCommands({
  folder,
  shown,
  binary,
}: {
  readonly folder: string;
  readonly shown: string;
  readonly binary: string;
}): DemoCommand[] {
  const line = (...words: readonly string[]): string => [binary, ...words.map((word) => shellWord(word))].join(" ");
  const shop = join(shown, "shop.db");
  return [
    {
      about: "Where the money comes from",
      line: line(
        "query",
        shop,
        "select country, count(*) as orders, round(sum(total), 2) as revenue from order_totals join customers on customers.id = customer_id group by country order by revenue desc limit 5",
      ),
    },
    { about: "What a model is shown of the schema", line: line("inspect", shop, "--format", "compact") },
    {
      about: "A report as a workbook",
      line: line("export", shop, "select * from monthly_revenue", "--to", join(shown, "monthly_revenue.xlsx"), "--overwrite"),
    },
    {
      about: "A join over the Parquet files, by DuckDB",
      line: line(
        "query",
        shown,
        "select category, year(ordered_at) as year, sum(quantity * unit_price) as revenue from order_items join orders on orders.id = order_id join products on products.id = product_id group by all order by all",
      ),
    },
    {
      about: "An MCP server for an assistant; a client is given these very words",
      line: line("serve", "--connection", `shop=${join(folder, "shop.db")}`),
    },
  ];
}

/** One word for the shell at hand: bare when that is safe, else in quotes. */
export function shellWord(text: string, platform: string = process.platform): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (platform === "win32") return `"${text.replaceAll('"', '\\"')}"`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
