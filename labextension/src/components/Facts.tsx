/** What else is known of a backend: versions, ports, limits; whatever its kind has told. */
import type { Backend } from '../model';
import type { Trans } from '../words';

/** Title and value, facts first; a library's version stands under its own name. */
function factsOf({ facts, versions }: Pick<Backend, 'facts' | 'versions'>): [string, string][] {
  const told = Object.entries(facts ?? {});
  const known = new Set(told.map(([title]) => title.toLowerCase()));
  const libraries = Object.entries(versions).filter(([name]) => !known.has(name.toLowerCase()));
  return [...told, ...libraries].filter(([, value]) => value !== '');
}

export function Facts({ backend, trans }: { backend: Backend; trans: Trans }) {
  // what is only a list of libraries is told when one of them doesn't fit
  if (Object.keys(backend.facts ?? {}).length === 0) {
    return null;
  }
  return (
    <details className="alongside-Facts">
      <summary>{trans.__('About it')}</summary>
      <dl>
        {factsOf(backend).map(([title, value]) => (
          <div key={title} className="alongside-Facts-row">
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
