/** Just enough HTML for a browser without a screen: the forms and links of a page, and its words. */

export type Form = {
  id: string | undefined;
  action: string;
  method: string;
  fields: [name: string, value: string][];
  buttons: Button[];
};

type Button = { label: string; name: string | undefined; value: string };

export type Link = { text: string; href: string };

export function formsOf(html: string): Form[] {
  return elements(html, 'form').map(({ attributes, inner }) => ({
    id: attributes.get('id'),
    action: attributes.get('action') ?? '',
    method: (attributes.get('method') ?? 'get').toUpperCase(),
    fields: fieldsOf(inner),
    buttons: buttonsOf(inner),
  }));
}

export function linksOf(html: string): Link[] {
  return elements(html, 'a').flatMap(({ attributes, inner }) => {
    const href = attributes.get('href');
    return href === undefined ? [] : [{ text: textOf(inner), href }];
  });
}

/** The words without the tags, spaces folded. */
export function textOf(html: string): string {
  const words = html.replace(/<!--[\s\S]*?-->|<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
  return unescaped(words).replace(/\s+/g, ' ').trim();
}

type Element = { attributes: Map<string, string>; inner: string };

const ATTRIBUTES = String.raw`((?:\s+[^\s=>"'/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+))?)*)\s*\/?`;

/** Elements that do not nest in themselves. */
function elements(html: string, tag: string): Element[] {
  const pattern = new RegExp(String.raw`<${tag}\b${ATTRIBUTES}>([\s\S]*?)<\/${tag}\s*>`, 'gi');
  return [...html.matchAll(pattern)].map(([, attributes = '', inner = '']) => ({
    attributes: attributesOf(attributes),
    inner,
  }));
}

function voids(html: string, tag: string): Map<string, string>[] {
  const pattern = new RegExp(String.raw`<${tag}\b${ATTRIBUTES}>`, 'gi');
  return [...html.matchAll(pattern)].map(([, attributes = '']) => attributesOf(attributes));
}

function attributesOf(text: string): Map<string, string> {
  const pattern = /([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/g;
  return new Map(
    [...text.matchAll(pattern)].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      unescaped(double ?? single ?? bare ?? ''),
    ]),
  );
}

const NOT_SENT = ['submit', 'button', 'reset', 'image', 'file'];

function fieldsOf(inner: string): [string, string][] {
  const inputs = voids(inner, 'input').flatMap((attributes): [string, string][] => {
    const name = attributes.get('name');
    const type = attributes.get('type')?.toLowerCase() ?? 'text';
    if (name === undefined || attributes.has('disabled') || NOT_SENT.includes(type)) return [];
    const ticked = type === 'checkbox' || type === 'radio';
    if (ticked && !attributes.has('checked')) return [];
    return [[name, attributes.get('value') ?? (ticked ? 'on' : '')]];
  });
  const areas = elements(inner, 'textarea').flatMap(({ attributes, inner: text }): [string, string][] => {
    const name = attributes.get('name');
    return name === undefined ? [] : [[name, unescaped(text.replace(/^\r?\n/, ''))]];
  });
  const selects = elements(inner, 'select').flatMap(({ attributes, inner: options }): [string, string][] => {
    const name = attributes.get('name');
    const choices = elements(options, 'option');
    const chosen = choices.find((option) => option.attributes.has('selected')) ?? choices[0];
    if (name === undefined || chosen === undefined) return [];
    return [[name, chosen.attributes.get('value') ?? textOf(chosen.inner)]];
  });
  return [...inputs, ...areas, ...selects];
}

function buttonsOf(inner: string): Button[] {
  const buttons = elements(inner, 'button')
    .filter(({ attributes }) => (attributes.get('type') ?? 'submit') === 'submit')
    .map(({ attributes, inner: label }) => button(textOf(label), attributes));
  const inputs = voids(inner, 'input')
    .filter((attributes) => attributes.get('type')?.toLowerCase() === 'submit')
    .map((attributes) => button(attributes.get('value') ?? '', attributes));
  return [...buttons, ...inputs];
}

function button(label: string, attributes: Map<string, string>): Button {
  return { label, name: attributes.get('name'), value: attributes.get('value') ?? '' };
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (entity, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? entity;
  });
}
