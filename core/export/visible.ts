/** C0, DEL, C1, and the marks that reorder text: what can drive a terminal or make it show something else. */
const control = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Shows every control character as an escape, so that a value takes one line and commands nothing. */
export function visible(text: string): string {
  return text.replace(control, escaped);
}

/** Like `visible`, but leaves line ends and tabs: for text whose layout they are. */
export function safeText(text: string): string {
  return text.replace(unsafe, escaped);
}

function escaped(character: string): string {
  return short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
