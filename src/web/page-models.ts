import type { Day } from '../clock.ts';
import type { RefusalCode } from '../errors.ts';
import type { Ground } from '../log/entry.ts';
import type { DepartmentMap } from './charts/department-map.ts';
import type { Period, Timeline } from './charts/timeline.ts';
import type { OperationName } from './openapi.ts';
import type { PetitionList } from './petition-list.ts';
import type { Progress } from './progress.ts';

/** What each template in `views/` is given, beside the layout's own helpers. Plain values: no request, no row. */
export type PageModels = {
  home: {
    list: PetitionList;
    /** Where the pages before and after this one are, if there are any. */
    previousHref: string | undefined;
    nextHref: string | undefined;
    checkpoint: PageCheckpoint;
  };
  petition: {
    petition: PetitionSummary & { statementHtml: string; statementHash: string };
    progress: readonly Progress[];
    /** `undefined` while nobody has signed, the map also where the petition asks for no département. */
    timeline: Timeline | undefined;
    map: DepartmentMap | undefined;
    /** The name of a département or collectivity by its code. */
    departmentNames: ReadonlyMap<string, string>;
    withdrawn: number;
    invalidated: readonly { ground: string; count: number }[];
    checkpoint: PageCheckpoint;
    signAction: string;
    /** Where those post who have signed and want to withdraw, also after closing; `undefined` once nobody can be found any more. */
    withdrawAction: string | undefined;
    /** The day on which the pseudonym key was destroyed. */
    destroyed: Day | undefined;
    /** The petition's public address, and the same as a mail that one may send. */
    address: string;
    mailHref: string;
  };
  /** The tables behind a petition's charts. */
  figures: {
    petition: PetitionSummary;
    periods: readonly Period[];
    /** Most signed first. */
    byDepartment: readonly { code: string; name: string; count: number }[] | undefined;
    withdrawn: number;
    invalidated: readonly { ground: string; count: number }[];
    checkpoint: PageCheckpoint;
  };
  confirm: {
    petition: { slug: string; title: string };
    action: 'sign' | 'withdraw';
    /** The site that sent the person and will get the receipt; they have not seen the text here yet. */
    site: { name: string; statementHtml: string } | undefined;
    /** The birth date that came back from the identity provider, in words; `undefined` where it gave none. */
    birthdate: string | undefined;
    /** The person's earlier signature that still counts, if there is one: then there is nothing to ask or to record. */
    signed: { day: Day } | undefined;
    /** The day on which the signature that one came to withdraw was withdrawn already. */
    withdrawn: Day | undefined;
    /** Whether whoever withdraws may sign again. */
    open: boolean;
    /** Whether the département is asked for: not where the petition does not, or the person has signed. */
    departments: boolean;
    /** What is wrong with what was chosen, after a refused confirmation. */
    error: 'department-missing' | 'department-unknown' | undefined;
    /** What kept a confirmation from being recorded, and passes by itself. */
    trouble: { code: RefusalCode; status: number } | undefined;
    /** The département as it was sent with a confirmation that was refused. */
    chosen: string | undefined;
    /** Where the main form posts; where one posts who only wants their receipt (withdrawing); where "this is not me" posts. */
    confirmAction: string;
    findAction: string | undefined;
    notMeAction: string;
  };
  receipt: {
    petition: { slug: string; title: string };
    state: 'active' | 'withdrawn' | 'invalidated';
    /** Whether the petition still takes signatures. */
    open: boolean;
    day: Day;
    /** Its code and name. */
    department: string | undefined;
    nym: string;
    /** The nym's beginning, which people compare. */
    code: string;
    /** Where `receipt.jwt` is; `undefined` when the signature no longer counts. */
    receiptHref: string | undefined;
    /** Where `receipt.tlog-proof` is. */
    proofHref: string | undefined;
    withdrawAction: string | undefined;
    /** The hour at which this page's address stops working, in words. */
    expires: string;
  };
  refusal: {
    code: RefusalCode | 'internal-error';
    status: number;
    /** The petition that it is about, when it is known. */
    petition: { slug: string; title: string } | undefined;
    minAge: number | undefined;
    /** Where "log out at FranceConnect" posts, when the person is still logged in there. */
    logoutAction: string | undefined;
    /** The petition site that waits for the person: `logoutAction` then leads back to it. */
    site: string | undefined;
    /** What is wrong with a site's request, in the words of OAuth. */
    detail: string | undefined;
  };
  /** A site that asks for no signature logs the person in. */
  'site-login': { site: string; confirmAction: string; notMeAction: string };
  'how-it-works': { issuer: string };
  /** What became of signatures and petitions, as the fold counts it, and the keys that all of it stands on. */
  transparency: {
    issuer: string;
    vkey: string;
    /** Key ids of the receipts' keys: the one that signs first, then the earlier ones. */
    receiptKeys: readonly string[];
    counts: TransparencyCounts;
    /** Those that were closed or lost signatures, the newest first; `more` of them are not shown. */
    petitions: readonly TransparencyRow[];
    more: number;
    checkpoint: PageCheckpoint;
  };
  privacy: Record<string, never>;
  accessibility: Record<string, never>;
  /** The public JSON, for a reader; programs read `/api/openapi.json`. */
  api: { issuer: string; operations: readonly { path: string; name: OperationName }[] };
  /** How to check a receipt oneself; `steps` are what the page's own code checks and the words that each can end in. */
  verify: { issuer: string; steps: Readonly<Record<string, readonly string[]>> };
  /** What the log is and how to audit it, with what is published now. */
  log: { issuer: string; origin: string; vkey: string; root: string } & PageCheckpoint;
};

/** What the figures of a page are true for: the log's published size, and when it was published. */
export type PageCheckpoint = { size: number; day: Day; at: Date };

export type TransparencyCounts = {
  petitions: number;
  closed: number;
  /** Petitions whose pseudonym key is destroyed. */
  destroyed: number;
  /** Signatures that count, and those that no longer do. */
  signatures: number;
  withdrawn: number;
  invalidated: Readonly<Record<Ground, number>>;
};

export type TransparencyRow = {
  slug: string;
  title: string;
  closed: Day | undefined;
  destroyed: Day | undefined;
  withdrawn: number;
  invalidated: number;
};

export type PetitionSummary = {
  id: string;
  slug: string;
  title: string;
  author: string | undefined;
  status: 'open' | 'closed' | 'restricted';
  opened: Day;
  /** The last day on which one can sign. */
  closes: Day | undefined;
  minAge: number;
  departments: boolean;
  signatures: number;
};

export type PageName = keyof PageModels;
