import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ProblemsError } from "../../components/input/problems.ts";
import { patchWarnings } from "../../components/kubeadm/initPhases.ts";
import { minorOf } from "../../components/kubeadm/minors.ts";
import { readKubeadmConfig, settingsOfKubeadmConfig } from "../../components/kubeadm/configFile.ts";

const cluster = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.37.2
`;
const init = `---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 8443}
`;
const proxy = `---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
`;

function problemsOf(content: string): string[] {
  try {
    settingsOfKubeadmConfig(content, "kubeadm.yaml");
  } catch (error) {
    assert.ok(error instanceof ProblemsError, String(error));
    return error.problems.map(({ path }) => path);
  }
  return [];
}

const warningsOf = (content: string) => readKubeadmConfig(content, "kubeadm.yaml").warnings;

suite("a kubeadm config file", () => {
  test("the endpoint falls back to the advertise address, and takes bindPort where it has no port", () => {
    assert.equal(settingsOfKubeadmConfig(cluster + init, "f").controlPlaneEndpoint, "192.0.2.10:8443");
    const named = settingsOfKubeadmConfig(`${cluster}controlPlaneEndpoint: api.example.com\n${init}`, "f");
    assert.equal(named.controlPlaneEndpoint, "api.example.com:8443");
    const whole = settingsOfKubeadmConfig(
      `${cluster}controlPlaneEndpoint: api.example.com:9443\n${init}`,
      "f",
    );
    assert.equal(whole.controlPlaneEndpoint, "api.example.com:9443");
  });

  test("API versions v1beta2, v1beta3 and v1beta4; documents of other kinds are passed over", () => {
    for (const version of ["v1beta2", "v1beta3", "v1beta4"]) {
      const other = "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
      assert.deepEqual(problemsOf((cluster + init + other).replaceAll("v1beta4", version)), [], version);
    }
  });

  test("a KubeProxyConfiguration with nothing but its header counts as the user's own", () => {
    assert.notEqual(settingsOfKubeadmConfig(cluster + init + proxy, "f").configuration, undefined);
    assert.equal(settingsOfKubeadmConfig(cluster + init, "f").configuration, undefined);
  });

  test("YAML is read as Go reads it: a duration that looks sexagesimal is text, yes is a boolean", () => {
    const settings = settingsOfKubeadmConfig(`${cluster}${init}${proxy}enableProfiling: yes\n`, "f");
    assert.equal(settings.configuration?.enableProfiling, true);
    assert.deepEqual(problemsOf(`${cluster}${init}${proxy}mode: on\n`), ["KubeProxyConfiguration.mode"]);
    assert.deepEqual(problemsOf(`${cluster}${init}${proxy}hostnameOverride: 2026-11-23\n`), []);
    assert.deepEqual(problemsOf(`${cluster}${init}${proxy}hostnameOverride: 12:30:45\n`), []);
  });

  const bad: Record<string, readonly [string, readonly string[]]> = {
    "broken YAML": [`${cluster}networking: [`, ["document 1"]],
    "no ClusterConfiguration": [init, ["ClusterConfiguration"]],
    "an empty file": ["", ["ClusterConfiguration"]],
    "several documents of a kind": [`${cluster}---\n${cluster}`, ["document 2.kind"]],
    "an unknown apiVersion": [
      cluster.replace("v1beta4", "v1alpha3"),
      ["document 1 (ClusterConfiguration).apiVersion"],
    ],
    "an unknown apiVersion of KubeProxyConfiguration": [
      cluster + init + proxy.replace("v1alpha1", "v1alpha2"),
      ["document 3 (KubeProxyConfiguration).apiVersion"],
    ],
    "an unknown kind": [`${cluster}---\napiVersion: v1\nkind: Pod\n`, ["document 2.kind"]],
    "a list": ["- a\n", ["document 1"]],
    "an unknown kind of kube-proxy's own group": [
      `${cluster}---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: Proxy\n`,
      ["document 2.kind"],
    ],
    "a kind without a group": [`${cluster}---\napiVersion: /v1\nkind: Pod\n`, ["document 2.kind"]],
    "phases, proxy and patches of other types": [
      `${cluster}proxy: {disabled: 1}\n${init}skipPhases: addon\npatches: {directory: [a]}\n`,
      [
        "ClusterConfiguration.proxy.disabled",
        "InitConfiguration.skipPhases",
        "InitConfiguration.patches.directory",
      ],
    ],
    "a proxy and patches that are no mappings": [
      `${cluster}proxy: true\n${init}patches: /etc/patches\n`,
      ["ClusterConfiguration.proxy", "InitConfiguration.patches"],
    ],
    "no endpoint at all": [
      cluster,
      ["ClusterConfiguration.controlPlaneEndpoint (or InitConfiguration.localAPIEndpoint.advertiseAddress)"],
    ],
    "a bad value, by the file's own path": [
      `${cluster}networking: {podSubnet: 10.0.0.0}\n${init}${proxy}iptables: {syncPeriod: 30}\n`,
      ["ClusterConfiguration.networking.podSubnet", "KubeProxyConfiguration.iptables.syncPeriod"],
    ],
  };
  for (const [name, [content, paths]] of Object.entries(bad)) {
    test(`${name} is refused`, () => {
      assert.deepEqual(problemsOf(content), paths);
    });
  }
});

suite("kubernetesVersion is read as kubeadm reads it", () => {
  const file = (version: string) => cluster.replace("v1.37.2", version) + init;
  for (const [given, read] of [
    ["1.37.0", "v1.37.0"],
    ["v1.37.0", "v1.37.0"],
    ["release/v1.37.0", "v1.37.0"],
    ["release/1.37.0", "v1.37.0"],
    ["1.37.0-rc.1+build.007", "v1.37.0-rc.1+build.007"],
    ["v1.37.0+abc-1", "v1.37.0+abc-1"],
    ["v1.37.0-0a.x-y", "v1.37.0-0a.x-y"],
  ]) {
    test(`${given} is ${read}`, () => {
      assert.equal(settingsOfKubeadmConfig(file(given ?? ""), "f").kubernetesVersion, read);
    });
  }
  for (const [given, accepted] of [
    ...["latest", "stable", "stable-1", "stable-1.37", "latest-1.9", "release/stable-1.37", "ci/latest"].map(
      (label) =>
        [label, /a version: kubeadm looks up what this label stands for, .* such as v1\.37\.2$/] as const,
    ),
    ["ci/v1.37.0-rc.1", /a release: kubeadm takes a build from elsewhere/],
    ['""', /is required: kubeadm would look up the newest one/],
    ["~", /is required: kubeadm would look up the newest one/],
    ...[
      "1.37",
      "v1.37.02",
      "v1.037.2",
      "01.37.2",
      "v1.37.2.1",
      "vv1.37.2",
      "V1.37.2",
      "v1.37.2-",
      "v1.37.2+",
    ].map(
      (version) =>
        [version, /^vMAJOR\.MINOR\.PATCH from v1\.15\.0 to any v1\.37 patch, .*; without v, too$/] as const,
    ),
    ...[
      "v1.37.2-01",
      "v1.37.2-a_b",
      "v1.37.2 x",
      "a/v1.37.2",
      "release/ci/v1.37.2",
      "v1.38.0",
      "stable-2.0",
      "{a: 1}",
    ].map((version) => [version, /^vMAJOR\.MINOR\.PATCH/] as const),
  ] as const) {
    test(`${given} is refused, and told what to write`, () => {
      assert.throws(
        () => settingsOfKubeadmConfig(file(given), "f"),
        (error: ProblemsError) => {
          assert.deepEqual(
            error.problems.map(({ path }) => path),
            ["ClusterConfiguration.kubernetesVersion"],
          );
          assert.match(error.problems[0]?.accepted ?? "", accepted);
          return true;
        },
      );
    });
  }

  test("no kubernetesVersion at all", () => {
    assert.throws(
      () => settingsOfKubeadmConfig(cluster.replace(/^kubernetesVersion.*\n/m, "") + init, "f"),
      /kubernetesVersion: is required: kubeadm would look up the newest one/,
    );
  });
});

suite("what kubeadm only warns of is a warning", () => {
  const goesOn = "; kubeadm warns of that and goes on";

  test("kind's metadata in each document, and whatever else it does not know", () => {
    const metadata = "metadata: {name: config}\n";
    const content = `${cluster}${metadata}${init}${metadata}${proxy}${metadata}`;
    const lines = warningsOf(content);
    assert.deepEqual(
      lines.map((line) => line.split(":")[0]),
      ["ClusterConfiguration.metadata", "InitConfiguration.metadata", "KubeProxyConfiguration.metadata"],
    );
    assert.ok(lines.every((line) => line.endsWith(goesOn)));
    assert.deepEqual(
      settingsOfKubeadmConfig(content, "f"),
      settingsOfKubeadmConfig(cluster + init + proxy, "f"),
    );
  });

  test("misspelt keys, all of them, each with the nearest", () => {
    const endpoint = `${init.replace("bindPort", "bindport")}patches: {dir: /x}\n`;
    const fields = "iptables: {syncPeriods: 1s, syncPeriod: 30s}\nconntrack: {max: 1}\n";
    assert.deepEqual(
      warningsOf(
        `${cluster}imageRepo: x\nproxy: {disable: true}\nnetworking: {podsubnet: 10.0.0.0/8}\n${endpoint}${proxy}${fields}`,
      ),
      [
        "ClusterConfiguration.imageRepo: unknown key",
        "ClusterConfiguration.networking.podsubnet: unknown key; did you mean podSubnet?",
        "ClusterConfiguration.proxy.disable: unknown key; did you mean disabled?",
        "InitConfiguration.localAPIEndpoint.bindport: unknown key; did you mean bindPort?",
        "InitConfiguration.patches.dir: unknown key",
        "KubeProxyConfiguration.iptables.syncPeriods: unknown key; did you mean syncPeriod?",
        "KubeProxyConfiguration.conntrack.max: was removed after Kubernetes 1.14; set conntrack.maxPerCore and conntrack.min in its place",
      ].map((line) => line + goesOn),
    );
  });

  test("a key that stands twice, of which the last one counts", () => {
    const content = `${cluster}kubernetesVersion: v1.37.1\n${init}`;
    assert.deepEqual(warningsOf(content), [
      `ClusterConfiguration.kubernetesVersion: is given twice, of which the last one counts${goesOn}`,
    ]);
    assert.equal(settingsOfKubeadmConfig(content, "f").kubernetesVersion, "v1.37.1");
  });

  test("a document of a group or kind that it does not know", () => {
    assert.deepEqual(
      warningsOf(
        `${cluster}${init}---\napiVersion: a.b/v1\nkind: C\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: D\n`,
      ),
      [
        "document 3: is passed over, as kubeadm does: it knows no C of a.b/v1",
        "document 4: is passed over, as kubeadm does: it knows no D of kubeadm.k8s.io/v1beta4",
      ],
    );
  });

  test("fields of another API version", () => {
    const fields = (version: string, what: string) =>
      warningsOf(
        `${cluster}${what}${init}`.replaceAll("v1beta4", version).replace("v1.37.2", "v1.26.0"),
      ).join("\n");
    assert.match(
      fields("v1beta3", "proxy: {disabled: true}\n"),
      /^ClusterConfiguration\.proxy: a field since kubeadm\.k8s\.io\/v1beta4 alone/,
    );
    assert.match(
      fields("v1beta3", "useHyperKubeImage: true\n"),
      /^ClusterConfiguration\.useHyperKubeImage: a field up to kubeadm\.k8s\.io\/v1beta2 alone/,
    );
    assert.equal(fields("v1beta2", "useHyperKubeImage: true\n"), "");
    const skips = `${init}skipPhases: [addon/kube-proxy]\npatches: {directory: /x, dir: /y}\n`;
    const old = warningsOf((cluster + skips).replaceAll("v1beta4", "v1beta2").replace("v1.37.2", "v1.26.0"));
    assert.deepEqual(
      old.map((line) => line.slice(0, line.indexOf(" alone"))),
      ["skipPhases", "patches"].map(
        (field) => `InitConfiguration.${field}: a field since kubeadm.k8s.io/v1beta3`,
      ),
    );
  });

  test("an API version that kubeadm of the minor does not read: it would end", () => {
    const warned = (version: string, minor: number) =>
      warningsOf((cluster + init).replaceAll("v1beta4", version).replace("v1.37.2", `v1.${minor}.0`)).length >
      0;
    const readBy: Readonly<Record<string, readonly [number, number]>> = {
      v1beta1: [15, 21],
      v1beta2: [15, 26],
      v1beta3: [22, 36],
      v1beta4: [31, 37],
    };
    for (const [version, [first, last]] of Object.entries(readBy)) {
      for (let minor = 15; minor <= 37; minor++) {
        assert.equal(warned(version, minor), minor < first || minor > last, `${version} ${minor}`);
      }
    }
    assert.match(
      warningsOf((cluster + init).replaceAll("v1beta4", "v1beta3")).join("\n"),
      /^ClusterConfiguration\.apiVersion: kubeadm of 1\.37 reads v1beta4 and ends at v1beta3; see kubeadm config migrate/,
    );
  });
});

suite("what keeps kubeadm init from making kube-proxy as it is printed", () => {
  test("proxy.disabled and skipPhases", () => {
    const said = (content: string) => warningsOf(content).join("\n");
    const none = /so that kubeadm init makes none of these objects; .*`kubeadm init phase addon kube-proxy`/;
    assert.match(said(`${cluster}proxy: {disabled: true}\n${init}`), none);
    assert.match(said(`${cluster}${init}skipPhases: [preflight, addon/kube-proxy]\n`), none);
    assert.match(
      said(`${cluster}${init}skipPhases: [preflight, addon/kube-proxy]\n`),
      /^InitConfiguration\.skipPhases\[1\]: it is addon\/kube-proxy/,
    );
    assert.match(said(`${cluster}${init}skipPhases: [addon]\n`), none);
    const older = (content: string) =>
      said(content.replaceAll("v1beta4", "v1beta2").replace("v1.37.2", "v1.26.0"));
    assert.doesNotMatch(older(`${cluster}proxy: {disabled: true}\n${init}`), none);
    assert.doesNotMatch(older(`${cluster}${init}skipPhases: [addon/kube-proxy]\n`), none);
    assert.match(
      said(`${cluster}${init}skipPhases: [addon/kubeproxy]\n`),
      /^InitConfiguration\.skipPhases\[0\]: kubeadm init knows no phase "addon\/kubeproxy", and ends; did you mean addon\/kube-proxy\?/,
    );
    for (const silent of [
      "proxy: {}\n",
      "proxy: {disabled: false}\n",
      "proxy:\n",
      "proxy: {disabled: ~}\n",
    ]) {
      assert.equal(said(`${cluster}${silent}${init}`), "", silent);
    }
    for (const silent of [
      "skipPhases: [addon/coredns]\n",
      "skipPhases: []\n",
      "skipPhases:\n",
      "patches:\n",
    ]) {
      assert.equal(said(`${cluster}${init}${silent}`), "", silent);
    }
  });

  test("patches.directory: the files of target kubeproxydaemonset, in kubeadm's words", () => {
    const { patches } = readKubeadmConfig(`${cluster}${init}patches: {directory: /etc/p}\n`, "f");
    assert.equal(patches, "/etc/p");
    assert.equal(readKubeadmConfig(`${cluster}${init}patches: {directory: ""}\n`, "f").patches, undefined);
    const older = `${cluster}${init}patches: {directory: /etc/p}\n`.replaceAll("v1beta4", "v1beta2");
    assert.equal(readKubeadmConfig(older, "f").patches, undefined);
    const said = (files: readonly string[] | string, minor = 37) =>
      patchWarnings("/etc/p", files, minorOf(minor) ?? assert.fail());
    const files = [
      "etcd.json",
      "kubeproxydaemonset.yaml",
      "kubeproxydaemonset1+json.json",
      "sub/kubeproxydaemonset2+merge.yaml",
    ];
    const others = [
      "kubeproxydaemonset.txt",
      "kube-proxy.yaml",
      "kubeproxydaemonset",
      "xkubeproxydaemonset.yaml",
    ];
    assert.deepEqual(said([...files, ...others]), [
      'InitConfiguration.patches.directory: kubeadm patches the DaemonSet by these files in "/etc/p", and it is printed without that: ' +
        files.slice(1).join(", "),
    ]);
    assert.deepEqual(said(others), []);
    assert.match(
      said(["kubeproxydaemonset+x.yaml"]).join("\n"),
      /^InitConfiguration\.patches\.directory: kubeadm init ends at kubeproxydaemonset\+x\.yaml in "\/etc\/p": after \+ comes json, merge or strategic$/,
    );
    assert.match(said("ENOENT").join("\n"), /"\/etc\/p" cannot be read here \(ENOENT\)/);
    assert.match(
      said(files, 36).join("\n"),
      /kubeadm of 1\.36 ignores kubeproxydaemonset\.yaml .* since 1\.37/,
    );
    assert.equal(said(files, 36).length, 3);
    assert.deepEqual(said("ENOENT", 36), []);
  });
});
