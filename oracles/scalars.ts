import fc from "fast-check";
import { type Field, Kind } from "../components/configuration/fields.ts";
import table from "../components/configuration/featureGates.json" with { type: "json" };

/** One of some YAML source texts. */
export const pick = (...values: readonly string[]) => fc.constantFrom(...values);
/** One of some source texts without blanks, which stand between them. */
const among = (texts: string) => fc.constantFrom(...texts.split(/\s/));
/** The first for the most part, the second now and then. */
export const often = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: usual, weight: 14 }, { arbitrary: rare, weight: 1 });

const durations = often(
  fc.oneof(among(`30s 1m 1h30m .5s 1.5h 250ms 0s 1s 2s 24h0m0s 1us 10ns`), pick("1µs")),
  fc.oneof(
    fc.oneof(among(`0 "0" -1s +5s -30s 30 "30" 1d s "" 1S 1e3s null ~`), pick("1 s", '" 1s"')),
    pick(
      "9223372036854775807ns",
      "9223372036854775808ns",
      "-9223372036854775808ns",
      "2562047h47m16.854775807s",
    ),
    fc.oneof(among(`2562047h48m 1:30 1.s .s 1..5s 1h-5m 0x10s 1_0s true [30s] 1s1s`), pick("{s: 30}")),
    fc.stringMatching(/^[-+]?(\d{0,3}(\.\d{0,10})?(ns|us|ms|s|m|h)){1,3}$/),
  ),
);
const numbers = (...usual: readonly string[]) =>
  often(
    pick(...usual),
    fc.oneof(
      among(`0 -1 1 31 32 1000 1001 -1000 -1001 2147483647 2147483648 -2147483648`),
      among(`-2147483649 4294967295 4294967296 9223372036854775807 9223372036854775808 1e3 1.0 1.5`),
      among(`0x1F 0o17 017 08 0b11 1_000 +5 -0 1e30 .5 -.5 5. 1e400 12e03`),
      among(`"5" null true yes .inf -.inf .nan 5s [5] {} "" 0.1 3.4028235e38`),
      among(`3.4028236e38 123456789 16777217 0.0000001 1234567.5 1e21 1e20 0X1f 0B11 0_7`),
    ),
  );
const booleans = often(
  pick("true", "false"),
  among(`yes no on off y N True FALSE tRUE "true" 1 0 null ~ [] {}`),
);
const words = often(
  fc.oneof(among(`a eth0 net-1 "" null ~ a#b`), pick('"x y"', "x y", "'a: b'", "a #b", '"a\\n"', "!!str 5")),
  fc.oneof(
    fc.oneof(among(`yes no on y true 5 1.5 0x1 1:30 2026-01-02 1_0 [a] -a`), pick("{a: b}", "é")),
    fc.oneof(among(`.5 08 0o7 << = +1 1e3 'it''s' *missing @a - ?a a:b`), pick("|-\n  a\n  b", "- a")),
    pick(
      "a\tb",
      "!!int 5",
      '!!int "5"',
      "!!float 5",
      "!x a",
      "!!binary YQ==",
      "!!null x",
      "!!bool yes",
      "!!timestamp 1",
    ),
    fc.string({ maxLength: 12, unit: "grapheme" }).map((text) => JSON.stringify(text)),
    fc.string({ maxLength: 6 }),
  ),
);
const ipv4 = often(
  pick("0.0.0.0", "127.0.0.1", "192.0.2.1", "10.0.0.0"),
  fc.oneof(
    fc.oneof(
      among(`010.0.0.1 192.0.2.256 1.2.3 1.2.3.4.5 0x7f.0.0.1 1.2.3.-4 1..2.3`),
      pick(" 1.2.3.4", "1.2.3.4 "),
    ),
    fc.tuple(fc.nat(300), fc.nat(300), fc.nat(255), fc.nat(255)).map((parts) => parts.join(".")),
  ),
);
const ipv6 = often(
  pick("::", "::1", "fd00::1", "fd00:10:244::", "2001:db8::8"),
  fc.oneof(
    among(`::ffff:1.2.3.4 fe80::1%eth0 1::2::3 ::: 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 ::12345 g::`),
    among(`1:2:3:4:5:6:1.2.3.4 ::1.2.3 1:2:3:4:5:6:7:: 1:2:3:4:5:6:7:8:: ::00001 :1 1: ::FFFF:10.0.0.0`),
    fc
      .array(fc.nat(0x1ffff), { minLength: 1, maxLength: 9 })
      .map((parts) => parts.map((n) => n.toString(16)).join(":")),
  ),
);
const ips = fc.oneof(ipv4, ipv6);
const quoted = (text: string) => `"${text}"`;
const prefix = often(
  fc.nat(32).map(String),
  fc.oneof(among(`33 64 128 129 024 -1 +8 x 255.0.0.0`), pick("")),
);
const cidrs = often(
  fc.tuple(ips, prefix).map(([ip, length]) => `${ip}/${length}`),
  fc.oneof(
    among(`10.244.0.0 10.244.1.1/16 10.0.0.0/8/8 /8 ::ffff:10.0.0.0/104 ::ffff:10.0.0.0/90`),
    pick("", "10.0.0.0 /8"),
  ),
);
const ports = often(
  fc.integer({ min: 1, max: 65535 }).map(String),
  fc.oneof(among(`0 65536 -1 +80 080 http 8_0`), pick("")),
);
const hostPorts = often(
  fc.oneof(
    fc.tuple(ipv4, ports).map(([ip, port]) => `${ip}:${port}`),
    fc.tuple(ipv6, ports).map(([ip, port]) => `[${ip}]:${port}`),
    ips,
  ),
  among(`localhost:10256 :10256 [::] ::1:80 [::1 ]:80 []:80 [1.2.3.4]:80 1.2.3.4:80:80 a[b]:1`),
);
const quantities = fc.oneof(
  among(`0 "0" 64Ki "1.5Ki" 1024 1k 1m 0.5 1e3 "1e3" "5E" "1Ei" null "" -1 1Kii`),
  fc.oneof(among(`"0Ki" 100n 1.0 true "+5" ".5" "5." "." "1e-3" "1E6" [1] 1Zi`), pick('"1 k"', '" 1k "')),
  fc.stringMatching(/^"[-+]?\d{0,6}(\.\d{0,4})?(n|u|m|k|M|G|Ki|Mi|Gi|e3|E-2)?"$/),
);
const lists = (entry: fc.Arbitrary<string>) =>
  often(
    fc.array(entry, { maxLength: 3 }).map((entries) => `[${entries.map(quoted).join(", ")}]`),
    fc.oneof(
      among(`null [] 10.0.0.0/8 [1] [null] [[a]] [~] [yes]`),
      pick("{a: b}", "[10.0.0.0/8, 10.0.0.0/8]"),
    ),
  );
const gateNames = often(
  pick(...Object.keys(table.gates)),
  among(`NFTablesProxyMode KubeProxyIPVS AllAlpha AllBeta LoggingAlphaOptions LoggingBetaOptions
NoSuchGate`),
);
const gates = often(
  fc
    .uniqueArray(fc.tuple(gateNames, often(pick("true", "false"), pick("yes", '"true"', "null", "1"))), {
      selector: ([name]) => name,
      maxLength: 3,
    })
    .map((entries) => `{${entries.map((entry) => entry.join(": ")).join(", ")}}`),
  fc.oneof(
    among(`null [] true {}`),
    pick("{AllAlpha: true}", "{AllBeta: false}", "{__proto__: true}", "{1: true}"),
  ),
);
const vmodule = often(
  fc
    .array(fc.tuple(among(`proxier* a "" a=b "a,b" null`), numbers("0", "4")), { maxLength: 2 })
    .map(
      (items) =>
        `[${items.map(([file, level]) => `{filePattern: ${file}, verbosity: ${level}}`).join(", ")}]`,
    ),
  fc.oneof(
    among(`null [null] [a] [{}] {}`),
    pick("[{filePattern: a, x: 1}]", "[{verbosity: 1}]", "[{filePattern: a}]"),
  ),
);

/** Scalars for the fields that have rules of their own; the others get what their kind suggests. */
const byPath: Readonly<Record<string, fc.Arbitrary<string>>> = {
  bindAddress: often(ips.map(quoted), words),
  clusterCIDR: often(
    fc.array(cidrs, { minLength: 1, maxLength: 3 }).map((parts) => quoted(parts.join(","))),
    fc.oneof(among(`"" 10.0.0.0/8 10.0.0.0/8,fd00::/8 5 "," null`), pick("10.0.0.0/8, fd00::/8")),
  ),
  detectLocalMode: often(
    pick("ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", '""'),
    words,
  ),
  healthzBindAddress: often(hostPorts.map(quoted), words),
  metricsBindAddress: often(hostPorts.map(quoted), words),
  "iptables.masqueradeBit": numbers("14", "0", "31"),
  "nftables.masqueradeBit": numbers("14", "0", "31"),
  "ipvs.excludeCIDRs": lists(cidrs),
  "ipvs.scheduler": often(pick("rr", "wrr", "lblcr", "mh", '""'), words),
  "logging.format": often(pick("text", "json", '""'), words),
  mode: often(
    pick("iptables", "ipvs", "nftables", '""'),
    fc.oneof(pick("userspace", "kernelspace", "IPVS", "bogus"), words),
  ),
  nodePortAddresses: lists(often(cidrs, pick("primary", "localhost", "all", "Primary"))),
  oomScoreAdj: numbers("-999", "0", "1000"),
  portRange: often(
    pick('""', "300-2000", "300+50", '"300"', "0-0"),
    fc.oneof(
      fc.oneof(among(`300 2000-300 1-65536 a-b -5 1-2-3 1+2-3 65535+1 +5`), pick('" 5-6 "', "5 - 6")),
      words,
    ),
  ),
  showHiddenMetricsForVersion: fc.oneof(
    fc.integer({ min: 26, max: 38 }).map((minor) => `"1.${minor}"`),
    words,
  ),
};

const byKind: Readonly<Record<Kind, fc.Arbitrary<string>>> = {
  [Kind.string]: words,
  [Kind.bool]: booleans,
  [Kind.int32]: numbers("10", "25"),
  [Kind.uint32]: numbers("0", "4"),
  [Kind.float32]: numbers("5", "12.5"),
  [Kind.duration]: durations,
  [Kind.durationOrNanoseconds]: fc.oneof(durations, numbers("5000000000")),
  [Kind.quantity]: quantities,
  [Kind.boolPointer]: booleans,
  [Kind.int32Pointer]: numbers("1000", "0"),
  [Kind.durationPointer]: durations,
  [Kind.strings]: lists(words),
  [Kind.stringOmitEmpty]: words,
  [Kind.boolOmitEmpty]: booleans,
  [Kind.boolsByName]: gates,
  [Kind.vmodule]: vmodule,
};

/** YAML source texts for a field, right ones for the most part. */
export const scalarOf = ({ path, kind }: Field) => byPath[path] ?? byKind[kind];
