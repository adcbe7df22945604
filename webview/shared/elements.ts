/** An element with attributes and text; text only, so that nothing a traced program says becomes markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  text?: string,
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(label: string, title: string, onClick: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', title }, label);
  made.addEventListener('click', onClick);
  return made;
}
