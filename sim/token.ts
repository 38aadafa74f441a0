import { assert } from '../base/assert.ts';
import { decodeBase64url, encodeBase64url } from '../base/base64.ts';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { InputError } from '../base/errors.ts';
import { fingerprintOf } from '../base/hash.ts';
import type { NamedDeviation } from './names.ts';
import type { Schedule } from './schedule.ts';

/** What is run: everything but the choices. */
export interface TokenHeader {
  /** A registered name, or a path such as `./race.ts`. */
  readonly scenario: string;
  /** Empty where the scenario has no variants. */
  readonly variant: string;
  readonly profile: string;
  readonly mutations: readonly string[];
  readonly mode: 'timed' | 'explore';
  readonly memoryModel: string;
  readonly options?: Readonly<Record<string, string>>;
}

/** A run as found: short however long the run, for strategies whose runs go by number. */
export interface SeedToken {
  readonly form: 'seed';
  readonly header: TokenHeader;
  /** Its whole name, `pct:3:120`. */
  readonly strategy: string;
  readonly seed: number;
  readonly run: number;
}

/** A run as shrunk: its deviations from staying. Short where they are few. */
export interface ScheduleToken {
  readonly form: 'schedule';
  readonly header: TokenHeader;
  readonly schedule: Schedule;
  /** What each deviation is called, so that it is found again after an edit. */
  readonly names?: readonly NamedDeviation[];
}

/**
 * One run as one shell word, to be pasted into a report: `B1.lost-update.AwIBAQUC.c71627b2`, which
 * is the version, the scenario (its odd characters as %XX), a payload in base64url, and a check
 * over all before it. The payload: flags; the parts of the header that differ from the most
 * usual; then strategy, seed and run, or the count of deviations and for each its gap (choices
 * since the one before) and skip. Numbers are LEB128.
 *
 * Version 2 is version 1 with names: behind the deviations, for each of them its path, site, point,
 * object and target as 32-bit hashes, and its three counts.
 *
 * One token has one text, and only that text decodes to it. The layouts, the flags and the usual
 * values are what these versions mean for good: changing any of them is version 3.
 */
export type Token = SeedToken | ScheduleToken;

const VERSION = 'B1';
const VERSION_WITH_NAMES = 'B2';

/** What a token leaves out. */
const USUAL_PROFILE = 'v7.2';
const USUAL_MEMORY_MODEL = 'sc';

const FLAG_SCHEDULE = 0x01;
const FLAG_EXPLORE = 0x02;
const FLAG_VARIANT = 0x04;
const FLAG_PROFILE = 0x08;
const FLAG_MUTATIONS = 0x10;
const FLAG_MEMORY_MODEL = 0x20;
const FLAG_OPTIONS = 0x40;

const CHECK_DIGITS = 8;

/** Schedules with more than this are not encoded: such a run has its seed form, or a file. */
export const TOKEN_DEVIATIONS_MAX = 1_000_000;

/** Longest text that is looked at; a full schedule of common gaps takes 2.7 million characters. */
const TOKEN_LENGTH_MAX = 2 ** 24;

/** Choices and options are int32 in the engine. */
const INT_MAX = 2 ** 31 - 1;

const NOT_A_TOKEN = 'expected a token such as B1.lost-update.AwIBAQUC.c71627b2';

export function encodeToken(token: Token): string {
  const writer = new ByteWriter();
  writeHeader(writer, token);
  if (token.form === 'schedule') {
    writeSchedule(writer, token.schedule);
    if (token.names) writeNames(writer, token.names, token.schedule);
  } else {
    writer.text(token.strategy);
    writer.varint(token.seed);
    writer.varint(token.run);
  }
  const scenario = escapeWord(token.header.scenario);
  const version = token.form === 'schedule' && token.names ? VERSION_WITH_NAMES : VERSION;
  const text = `${version}.${scenario}.${encodeBase64url(writer.finish())}`;
  if (text.length + CHECK_DIGITS >= TOKEN_LENGTH_MAX) throw new InputError('token too long');
  return `${text}.${checkOf(text)}`;
}

/** The run that a token names; space around it is allowed. An InputError says what is wrong. */
export function decodeToken(text: string): Token {
  const word = text.length > TOKEN_LENGTH_MAX ? text : text.trim();
  const [version, scenario, payload] = split(word);
  const reader = new ByteReader(decodePayload(payload), 'token');
  const flags = reader.u8();
  const header = readHeader(reader, flags, scenario);
  const token: Token =
    flags & FLAG_SCHEDULE
      ? readScheduleForm(reader, header, version)
      : readSeedForm(reader, header);
  if (reader.remaining > 0) throw reader.error(`${reader.remaining} bytes too many`);
  if (encodeToken(token) !== word) throw new InputError('token: not in its only valid form');
  return token;
}

/** The scenario and the payload of a token whose frame is sound. */
function split(word: string): [string, string, string] {
  if (word.length > TOKEN_LENGTH_MAX) {
    throw new InputError(`token of ${word.length} characters, at most ${TOKEN_LENGTH_MAX} allowed`);
  }
  const parts = word.split('.', 1);
  const version = /^B(\d{1,9})$/.exec(parts[0]!);
  if (version === null) throw new InputError(NOT_A_TOKEN);
  if (parts[0] !== VERSION && parts[0] !== VERSION_WITH_NAMES) {
    throw new InputError(`token of version ${version[1]}, this Bohrbug reads versions 1 and 2`);
  }
  const checkAt = word.lastIndexOf('.');
  const payloadAt = word.lastIndexOf('.', checkAt - 1);
  if (payloadAt <= VERSION.length) throw new InputError(`token is cut off: ${NOT_A_TOKEN}`);
  if (word.slice(checkAt + 1) !== checkOf(word.slice(0, checkAt))) {
    throw new InputError('token check fails: it was cut or changed');
  }
  const scenario = unescapeWord(word.slice(VERSION.length + 1, payloadAt));
  return [parts[0], scenario, word.slice(payloadAt + 1, checkAt)];
}

function checkOf(text: string): string {
  return fingerprintOf(text).slice(0, CHECK_DIGITS);
}

function decodePayload(payload: string): Uint8Array {
  try {
    return decodeBase64url(payload);
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`token: ${error.message}`);
    throw error;
  }
}

function writeHeader(writer: ByteWriter, { form, header }: Token): void {
  const { variant, profile, mutations, mode, memoryModel, options = {} } = header;
  const optionNames = Object.keys(options).sort();
  let flags = form === 'schedule' ? FLAG_SCHEDULE : 0;
  if (mode === 'explore') flags |= FLAG_EXPLORE;
  if (variant !== '') flags |= FLAG_VARIANT;
  if (profile !== USUAL_PROFILE) flags |= FLAG_PROFILE;
  if (mutations.length > 0) flags |= FLAG_MUTATIONS;
  if (memoryModel !== USUAL_MEMORY_MODEL) flags |= FLAG_MEMORY_MODEL;
  if (optionNames.length > 0) flags |= FLAG_OPTIONS;
  writer.u8(flags);
  if (flags & FLAG_VARIANT) writer.text(variant);
  if (flags & FLAG_PROFILE) writer.text(profile);
  if (flags & FLAG_MUTATIONS) writeTexts(writer, mutations);
  if (flags & FLAG_MEMORY_MODEL) writer.text(memoryModel);
  if (flags & FLAG_OPTIONS) {
    writeTexts(writer, optionNames);
    for (const name of optionNames) writer.text(options[name]!);
  }
}

function readHeader(reader: ByteReader, flags: number, scenario: string): TokenHeader {
  const variant = flags & FLAG_VARIANT ? reader.text() : '';
  const profile = flags & FLAG_PROFILE ? reader.text() : USUAL_PROFILE;
  const mutations = flags & FLAG_MUTATIONS ? readTexts(reader) : [];
  const memoryModel = flags & FLAG_MEMORY_MODEL ? reader.text() : USUAL_MEMORY_MODEL;
  const mode = flags & FLAG_EXPLORE ? 'explore' : 'timed';
  const header: TokenHeader = { scenario, variant, profile, mutations, mode, memoryModel };
  if ((flags & FLAG_OPTIONS) === 0) return header;
  const names = readTexts(reader);
  // fromEntries() rather than assignment: an option may be called __proto__.
  return { ...header, options: Object.fromEntries(names.map((name) => [name, reader.text()])) };
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.varint(texts.length);
  for (const text of texts) writer.text(text);
}

function readTexts(reader: ByteReader): string[] {
  const count = readCount(reader, 1, 'texts');
  return Array.from({ length: count }, () => reader.text());
}

function readSeedForm(reader: ByteReader, header: TokenHeader): SeedToken {
  const strategy = reader.text();
  const seed = reader.varint();
  return { form: 'seed', header, strategy, seed, run: reader.varint() };
}

function writeSchedule(writer: ByteWriter, { at, skip }: Schedule): void {
  if (at.length > TOKEN_DEVIATIONS_MAX) {
    throw new InputError(`no token holds ${at.length} deviations: use the seed form`);
  }
  assert(at.length === skip.length, `schedule: ${at.length} places, ${skip.length} skips`);
  writer.varint(at.length);
  let next = 0;
  for (let i = 0; i < at.length; i++) {
    writer.varint(at[i]! - next);
    writer.varint(skip[i]!);
    next = at[i]! + 1;
  }
}

function readSchedule(reader: ByteReader): Schedule {
  const count = readCount(reader, 2, 'deviations');
  const at: number[] = [];
  const skip: number[] = [];
  let next = 0;
  for (let i = 0; i < count; i++) {
    const index = next + reader.varint();
    const places = reader.varint();
    if (index > INT_MAX) throw reader.error(`deviation at choice ${index}`);
    if (places < 1 || places > INT_MAX) throw reader.error(`deviation by ${places} places`);
    at.push(index);
    skip.push(places);
    next = index + 1;
  }
  return { at, skip };
}

function writeNames(
  writer: ByteWriter,
  names: readonly NamedDeviation[],
  schedule: Schedule,
): void {
  assert(names.length === schedule.at.length, `${names.length} names for ${schedule.at.length}`);
  for (const { path, site, point, object, target, nth, nthAtSite, nthStep } of names) {
    for (const hash of [path, site, point, object, target]) writer.u32(hash >>> 0);
    for (const count of [nth, nthAtSite, nthStep]) writer.varint(count);
  }
}

function readScheduleForm(reader: ByteReader, header: TokenHeader, version: string): ScheduleToken {
  const schedule = readSchedule(reader);
  if (version === VERSION) return { form: 'schedule', header, schedule };
  const names: NamedDeviation[] = [];
  while (names.length < schedule.at.length) {
    const hash = () => reader.u32() | 0;
    const [path, site, point, object, target] = [hash(), hash(), hash(), hash(), hash()] as const;
    const nth = reader.varint();
    const nthAtSite = reader.varint();
    const nthStep = reader.varint();
    names.push({ path, site, point, object, target, nth, nthAtSite, nthStep });
  }
  return { form: 'schedule', header, schedule, names };
}

/** How many entries follow, of at least `sizeMin` bytes each: checked before room is made. */
function readCount(reader: ByteReader, sizeMin: number, what: string): number {
  const count = reader.varint();
  if (count > TOKEN_DEVIATIONS_MAX || count * sizeMin > reader.remaining) {
    throw reader.error(`${count} ${what} do not fit`);
  }
  return count;
}

/** A text as characters that no shell takes amiss: `%XX` for all but letters, digits and -_./ */
function escapeWord(text: string): string {
  let escaped: string;
  try {
    escaped = encodeURIComponent(text);
  } catch {
    throw new InputError(`${JSON.stringify(text)}: no name for a token, it has half a character`);
  }
  return escaped
    .replaceAll('%2F', '/')
    .replaceAll(/[!~*'()]/g, (odd) => `%${odd.charCodeAt(0).toString(16).toUpperCase()}`);
}

function unescapeWord(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    throw new InputError('token: its scenario is not well written');
  }
}
