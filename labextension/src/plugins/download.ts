/** Files for whoever looks, saved by the browser. */

/** Milliseconds after which the browser has certainly begun to save. */
const BEGUN = 60_000;

export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), BEGUN);
}
