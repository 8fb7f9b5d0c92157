/** A field for words to find something by. */

interface FindProps {
  /** What is read out for it. */
  label: string;
  /** What stands in it while it is empty. */
  hint: string;
  onChange: (query: string) => void;
}

/** The browser's own field: the button that clears JupyterLab's has no name for those who listen. */
export function Find({ label, hint, onChange }: FindProps) {
  return (
    <input
      type="search"
      className="alongside-Find"
      placeholder={hint}
      aria-label={label}
      onChange={event => onChange(event.target.value)}
    />
  );
}
