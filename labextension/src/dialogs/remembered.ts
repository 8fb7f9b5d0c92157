/** What was chosen last time, kept by this browser for each user. */

function keyOf(user: string): string {
  return `jupyterhub-alongside:launch:${user}`;
}

/** What was chosen; anything else that is found there is for the reader to refuse. */
export function recall(user: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(keyOf(user)) ?? 'null');
  } catch {
    return null; // no storage in this browser, or not what we wrote
  }
}

export function keep(user: string, choice: string): void {
  try {
    localStorage.setItem(keyOf(user), choice);
  } catch {
    // a browser that keeps nothing begins with the defaults
  }
}
