import { createHash } from "node:crypto";
import { attribute } from "../export/html.ts";
import { type Bar, barsOf, factsOf } from "./chart-bars.ts";
import type { ColumnProfile, Profile } from "./profile.ts";
import { profileHead, share } from "./profile-text.ts";

const style = `:root{color-scheme:light dark;font:14px/1.4 system-ui,sans-serif}
body{margin:1.5rem}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(22rem,1fr));gap:1rem}
section{border:1px solid #8886;border-radius:.4rem;padding:.75rem;overflow:hidden}
h2{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.2rem 0 .6rem;opacity:.7;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}
rect{fill:#3b82c4}
text{fill:CanvasText;font:11px system-ui,sans-serif}
.n{text-anchor:end}
`;

/** Nothing may run or be fetched, whatever the data says: only this one style applies. */
const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;

/** A complete page with a picture of each column. Data is text on it and can be nothing else. */
export function chartPage(profile: Profile): string {
  const title = attribute(profileHead(profile));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
<main>
${profile.columns.map((column) => section(column, profile.rows)).join("")}</main>
</body>
</html>
`;
}

function section(column: ColumnProfile, rows: number): string {
  const facts = attribute(factsOf(column, rows).join(", "));
  return `<section>\n<h2 dir="auto">${attribute(column.column.name)}</h2>\n<p>${facts}</p>\n${picture(barsOf(column), rows)}</section>\n`;
}

const width = 400;
const labelWidth = 170;
const countWidth = 80;
const lineHeight = 18;

function picture(bars: readonly Bar[], rows: number): string {
  if (bars.length === 0) return "";
  const most = Math.max(1, ...bars.map((bar) => bar.rows));
  const room = width - labelWidth - countWidth;
  const drawn = bars.map(({ label, rows: count }, index) => {
    const y = index * lineHeight;
    const length = ((count / most) * room).toFixed(1);
    const shown = [...label].length > 26 ? `${[...label].slice(0, 25).join("")}…` : label;
    return `<g><title>${attribute(`${label}: ${count} rows, ${share(count, rows)}`)}</title><text x="0" y="${y + 12}">${attribute(shown)}</text><rect x="${labelWidth}" y="${y + 3}" width="${length}" height="11"/><text class="n" x="${width}" y="${y + 12}">${count.toLocaleString("en-US")}</text></g>\n`;
  });
  return `<svg viewBox="0 0 ${width} ${bars.length * lineHeight}" role="img">\n${drawn.join("")}</svg>\n`;
}
