/** Names and values under a title. */

interface ValueTableProps {
  title: string;
  values: { readonly [name: string]: unknown };
}

export function ValueTable({ title, values }: ValueTableProps) {
  return (
    <table className="alongside-RunView-table">
      <caption>{title}</caption>
      <tbody>
        {Object.entries(values).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{shown(value)}</td>
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
