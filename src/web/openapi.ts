/**
 * The public JSON, described (OpenAPI 3.1): `GET /api/openapi.json`. A test holds every answer to it. What is added to an
 * answer is added here; what is here is not taken away without a decision.
 */
import { z } from 'zod';
import { REFUSAL_CODES } from '../errors.ts';

const day = z.iso.date().describe('A day in Paris');
const count = z.int().min(0);
const petitionId = z
  .string()
  .regex(/^[0-9a-z]{26}$/)
  .describe('A lowercase ULID');

const petition = z.strictObject({
  id: petitionId,
  slug: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  title: z.string(),
  status: z.enum(['open', 'closed', 'restricted']),
  statement: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of title + "\\n\\n" + text'),
  opened: day,
  closes: day.nullable().describe('The last day on which one can sign, as its rules say; it may be closed before'),
  min_age: count,
  departments: z.boolean().describe('Whether each signature declares a département'),
  signatures: count,
});

const checkpoint = z
  .strictObject({ origin: z.string(), size: count, root: z.base64() })
  .nullable()
  .describe('The published tree head that the figures are true for');

const SCHEMAS = {
  Petitions: z.strictObject({ petitions: z.array(petition).describe('Newest first') }),
  Petition: petition.extend({ text: z.string().describe('Markdown') }),
  Tally: z.strictObject({
    petition: petitionId,
    total: count,
    by_day: z.record(z.string(), count).describe('By day of signing'),
    by_department: z
      .record(z.string(), count)
      .nullable()
      .describe('By INSEE code; null where the petition does not ask'),
    withdrawn: count,
    invalidated: z.record(z.string(), count).describe('By ground: fraud, court, error'),
    checkpoint,
  }),
  Signature: z.strictObject({
    state: z.enum(['active', 'withdrawn', 'invalidated', 'unknown']),
    index: count.nullable().describe('The last entry of the log about it'),
    checkpoint,
  }),
  Keys: z.strictObject({
    keys: z
      .array(
        z.strictObject({
          kty: z.literal('EC'),
          crv: z.literal('P-256'),
          x: z.string(),
          y: z.string(),
          kid: z.string().describe('RFC 7638 thumbprint'),
          use: z.literal('sig'),
          alg: z.literal('ES256'),
        }),
      )
      .describe('The active key first, then all earlier ones'),
  }),
  Description: z.looseObject({ openapi: z.string() }),
  Problem: z.strictObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.enum([...REFUSAL_CODES, 'internal-error']).describe('Stable'),
  }),
};

type Name = keyof typeof SCHEMAS;

const slug = { name: 'slug', in: 'path', required: true, schema: { type: 'string' } } as const;
const nym = {
  name: 'nym',
  in: 'path',
  required: true,
  description: 'The pseudonym: the receipt’s `sub`',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
} as const;

/** In the order in which a reader meets them. */
export const OPERATIONS = [
  {
    path: '/api/petitions',
    name: 'petitions',
    summary: 'The petitions, newest first',
    schema: 'Petitions',
    parameters: [],
  },
  {
    path: '/api/petitions/{slug}',
    name: 'petition',
    summary: 'One petition, with its text',
    schema: 'Petition',
    parameters: [slug],
  },
  {
    path: '/api/petitions/{slug}/tally',
    name: 'tally',
    summary: 'Its figures, exactly true for a published tree head',
    schema: 'Tally',
    parameters: [slug],
  },
  {
    path: '/api/petitions/{slug}/signatures/{nym}',
    name: 'signature',
    summary: 'What became of one signature',
    schema: 'Signature',
    parameters: [slug, nym],
  },
  {
    path: '/.well-known/jwks.json',
    name: 'keys',
    summary: 'The keys that sign receipts',
    schema: 'Keys',
    parameters: [],
  },
  {
    path: '/api/openapi.json',
    name: 'description',
    summary: 'This description',
    schema: 'Description',
    parameters: [],
  },
] as const satisfies readonly {
  path: string;
  name: string;
  summary: string;
  schema: Name;
  parameters: readonly object[];
}[];

export type OperationName = (typeof OPERATIONS)[number]['name'];

/** @param origin of this gateway */
export function openApi(origin: string) {
  const schemas = Object.entries(SCHEMAS).map(([name, schema]) => {
    const { $schema: _, ...described } = z.toJSONSchema(schema);
    return [name, described] as const;
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Paraphe: the public JSON',
      version: '0.1.0',
      description:
        'Read by anyone, from anywhere, without key or cookie. Answers carry an ETag: ask again with If-None-Match.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: origin }],
    paths: Object.fromEntries(OPERATIONS.map((operation) => [operation.path, { get: describe(operation) }])),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

function describe({ name, summary, schema, parameters }: (typeof OPERATIONS)[number]) {
  const content = (type: string, of: Name) => ({ [type]: { schema: { $ref: `#/components/schemas/${of}` } } });
  return {
    operationId: name,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: {
      200: {
        description: summary,
        headers: { ETag: { schema: { type: 'string' } } },
        content: content('application/json', schema),
      },
      304: { description: 'As it was' },
      default: { description: 'A refusal (RFC 9457)', content: content('application/problem+json', 'Problem') },
    },
  };
}
