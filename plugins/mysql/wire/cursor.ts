/** Reads the parts of one packet from left to right. */
export class Cursor {
  readonly bytes: Buffer;
  readonly end: number;
  at: number;

  constructor({ bytes, start, end }: { readonly bytes: Buffer; readonly start: number; readonly end: number }) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  integer(size: number): number {
    this.at += size;
    return this.bytes.readUIntLE(this.at - size, size);
  }

  /** A length-encoded integer. */
  length(): number {
    const first = this.bytes[this.at++] as number;
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.integer(2);
    if (first === 0xfd) return this.integer(3);
    const value = Number(this.bytes.readBigUInt64LE(this.at));
    this.at += 8;
    return value;
  }

  /** A length-encoded text. */
  text(): string {
    const length = this.length();
    if (length === 0) return "";
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }

  /** A length-encoded text of a text-protocol row, where 0xfb is NULL. */
  nullableText(): string | null {
    if (this.bytes[this.at] !== 0xfb) return this.text();
    this.at++;
    return null;
  }

  take(length: number): Buffer {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
