/** Elements of the latency panel's page. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: { class?: string; text?: string } = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(name);
  if (properties.class !== undefined) created.className = properties.class;
  if (properties.text !== undefined) created.textContent = properties.text;
  created.append(...children);
  return created;
}

/** A toolkit element; they are plain HTMLElements with `checked`, `value` or `disabled` to us. */
export function control(
  name: string,
  text: string,
  attributes: Readonly<Record<string, string>> = {},
): Control {
  const created = document.createElement(name) as Control;
  created.textContent = text;
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  return created;
}
export type Control = HTMLElement & { checked: boolean; value: string; disabled: boolean };

/** A button of the toolkit. */
export function button(
  text: string,
  run: () => void,
  attributes: Readonly<Record<string, string>> = {},
): Control {
  const created = control('vscode-button', text, { appearance: 'secondary', ...attributes });
  created.addEventListener('click', run);
  return created;
}
