/** Texts of dates and times from their parts in a packet, as the server itself writes them. No calendar, no zone: zeros stay zeros. */

export function dateText(bytes: Buffer, at: number, length: number): string {
  if (length === 0) return "0000-00-00";
  return `${padded(bytes.readUInt16LE(at), 4)}-${two(bytes[at + 2])}-${two(bytes[at + 3])}`;
}

export function momentText(bytes: Buffer, at: number, length: number, decimals: number): string {
  const clock = length >= 7 ? `${two(bytes[at + 4])}:${two(bytes[at + 5])}:${two(bytes[at + 6])}` : "00:00:00";
  return `${dateText(bytes, at, length)} ${clock}${fraction(length >= 11 ? bytes.readUInt32LE(at + 7) : 0, decimals)}`;
}

export function timeText(bytes: Buffer, at: number, length: number, decimals: number): string {
  if (length === 0) return `00:00:00${fraction(0, decimals)}`;
  const hours = bytes.readUInt32LE(at + 1) * 24 + (bytes[at + 5] as number);
  const sign = bytes[at] === 1 ? "-" : "";
  const micros = length >= 12 ? bytes.readUInt32LE(at + 8) : 0;
  return `${sign}${padded(hours, 2)}:${two(bytes[at + 6])}:${two(bytes[at + 7])}${fraction(micros, decimals)}`;
}

/** As many digits as the column declares; where it declares none, all six or, for whole seconds, none. */
function fraction(micros: number, decimals: number): string {
  if (decimals === 0 || (decimals < 0 && micros === 0)) return "";
  return `.${padded(micros, 6).slice(0, decimals < 0 ? 6 : decimals)}`;
}

function two(value: number | undefined): string {
  return padded(value ?? 0, 2);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
