/** Names and values under a title. */

import type { ReactNode } from 'react';

interface ValueTableProps {
  title: string;
  values: { readonly [name: string]: unknown };
  /** What can be done with one of them. */
  action?: ((name: string) => ReactNode) | undefined;
}

export function ValueTable({ title, values, action }: ValueTableProps) {
  return (
    <table className="alongside-RunView-table">
      <caption>{title}</caption>
      <tbody>
        {Object.entries(values).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{shown(value)}</td>
            {action && <td>{action(name)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Text as it is, all else as JSON. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
