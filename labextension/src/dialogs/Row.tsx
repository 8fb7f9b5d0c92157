/** One labelled input of a dialog, with its hint and what is wrong with it. */
import type { InputHTMLAttributes, ReactNode } from 'react';

interface RowProps {
  /** Of the input. */
  id: string;
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: ReactNode;
}

/** What an input is described by: its hint, and what is wrong. */
export function describedBy(id: string): string {
  return `${id}-hint ${id}-error`;
}

export function Row({ id, label, hint, error, children }: RowProps) {
  return (
    <div className="alongside-Row">
      <label htmlFor={id}>{label}</label>
      <div className="alongside-Row-input">
        {children}
        <p className="alongside-Hint" id={`${id}-hint`}>
          {hint}
        </p>
        <p className="alongside-Error" id={`${id}-error`} role="alert">
          {error}
        </p>
      </div>
    </div>
  );
}

interface InputProps
  extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value' | 'id'> {
  id: string;
  value: string;
  wrong?: boolean;
  /** Not wider than an amount needs. */
  'data-short'?: '' | undefined;
  onText: (text: string) => void;
}

export function Input({ id, value, wrong, onText, ...rest }: InputProps) {
  return (
    <input
      type="text"
      autoComplete="off"
      spellCheck={false}
      {...rest}
      id={id}
      className="jp-mod-styled"
      value={value}
      aria-invalid={wrong || undefined}
      aria-describedby={describedBy(id)}
      onChange={event => onText(event.target.value)}
    />
  );
}
