/**
 * Extensions whose functions, operators and types were looked through: what is stable there changes nothing and reaches nothing, but
 * for the names given. `volatile` are those that are not stable and harmless all the same.
 */
const reviewed: Readonly<Record<string, { readonly denied?: RegExp; readonly volatile?: RegExp }>> = {
  btree_gin: {},
  btree_gist: {},
  bloom: {},
  citext: {},
  cube: {},
  dict_int: {},
  dict_xsyn: {},
  earthdistance: {},
  fuzzystrmatch: {},
  hstore: {},
  intarray: {},
  isn: { denied: /^isn_weak$/ },
  ltree: {},
  // Beyond these it runs the text it is given.
  tablefunc: { denied: /^(?:crosstab|connectby)/, volatile: /^normal_rand$/ },
  pg_trgm: { denied: /^set_limit$/ },
  pgcrypto: { volatile: /^gen_(?:salt|random_bytes|random_uuid)$/ },
  // The first read a table that is named by a text.
  postgis: { denied: /extent$|^(?:find_srid|checkauth|lockrow|unlockrows|postgis_extensions|_postgis_(?:stats|selectivity|join|index))/i },
  rum: {},
  seg: {},
  "uuid-ossp": { volatile: /^uuid_generate_/ },
  tsm_system_rows: {},
  tsm_system_time: {},
  unaccent: {},
  vector: {},
  timescaledb: { denied: /^(?!(?:time_bucket|time_bucket_gapfill|first|last|histogram|locf|interpolate|approximate_row_count)$)/ },
};

export const isReviewed = (extension: string | undefined): boolean => extension !== undefined && Object.hasOwn(reviewed, extension);

export function isTrustedMember(extension: string | undefined, name: string, volatility: string): boolean {
  const known = extension === undefined || !Object.hasOwn(reviewed, extension) ? undefined : reviewed[extension];
  if (known === undefined || known.denied?.test(name)) return false;
  return volatility !== "v" || known.volatile?.test(name) === true;
}
