/** Tabs, of which one is shown. */
import { Tab, TabPanel, Tabs, type TabsElement } from '@jupyter/react-components';
import { type ReactNode, useId } from 'react';

interface SectionsProps<T extends string> {
  /** What is read out for all of them. */
  label: string;
  titles: readonly (readonly [section: T, title: string])[];
  chosen: T;
  onChoose: (section: T) => void;
  /** What is in the one that is chosen; what can't be seen isn't drawn. */
  children: ReactNode;
}

export function Sections<T extends string>(props: SectionsProps<T>) {
  const { label, titles, chosen, onChoose, children } = props;
  const prefix = useId();
  const idOf = (section: T) => `${prefix}${section}`;
  return (
    <Tabs
      className="alongside-Tabs"
      aria-label={label}
      activeid={idOf(chosen)}
      onChange={event => {
        const { activeid } = event.target as TabsElement;
        const found = titles.find(([section]) => idOf(section) === activeid);
        if (found) {
          onChoose(found[0]);
        }
      }}
    >
      {titles.map(([section, title]) => (
        <Tab key={section} id={idOf(section)}>
          {title}
        </Tab>
      ))}
      {titles.map(([section]) => (
        <TabPanel key={section}>{section === chosen && children}</TabPanel>
      ))}
    </Tabs>
  );
}
