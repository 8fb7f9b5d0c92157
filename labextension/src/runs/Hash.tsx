/** As many hexadecimal digits of a digest are shown. */
const DIGITS = 12;

/** The first digits of a SHA-256; all of them where one points. */
export function Hash({ sha256 }: { sha256: string }) {
  return sha256 ? <code title={`SHA-256 ${sha256}`}>{sha256.slice(0, DIGITS)}</code> : null;
}
