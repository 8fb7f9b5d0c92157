/** Where a backend's dashboard is, seen from the page that the widget is in. Pure. */
import type { About } from './control';

interface Config {
  baseUrl?: string;
  federated_extensions?: { name: string }[];
}

/** The URL of its first page, which the others stand beside; null where the browser can't get
 * there. What a notebook was saved with isn't trusted. */
export function dashboardUrl(
  about: About,
  id: string,
  document: Pick<Document, 'getElementById'>,
  here: Pick<Location, 'href'>
): string | null {
  const config = configOf(document);
  if (about.own && config?.federated_extensions?.some(({ name }) => name === OURS)) {
    const path = `alongside/backends/${encodeURIComponent(id)}/dashboard/status`;
    return new URL(`${config.baseUrl ?? '/'}${path}`, here.href).href;
  }
  const path = /^\/(?!\/)/.test(about.dashboard);
  if (path && config === null) {
    return null; // not a page of the hub's
  }
  try {
    const url = new URL(about.dashboard, path ? here.href : undefined);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}

const OURS = 'jupyterhub-alongside';

/** What JupyterLab and Notebook say of themselves; null in other front ends. */
function configOf(document: Pick<Document, 'getElementById'>): Config | null {
  try {
    const text = document.getElementById('jupyter-config-data')?.textContent;
    return text ? (JSON.parse(text) as Config) : null;
  } catch {
    return null;
  }
}
