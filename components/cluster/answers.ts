/** Pure: whether an answer is what was asked for. Nobody behind it looks again. */
import * as v from "valibot";

const text = v.string();
const texts = v.optional(v.record(v.string(), text));
const number = v.optional(v.number());
const optionalText = v.optional(text);
const optionalTexts = v.optional(v.array(text));
const optionalBoolean = v.nullish(v.boolean());

/** More fields than those named here are nobody's matter. */
const fields = <T extends v.ObjectEntries>(entries: T) =>
  v.pipe(
    v.looseObject(entries),
    v.check((value) => !Array.isArray(value)),
  );
const optionalList = (entries: v.ObjectEntries) => v.optional(v.array(fields(entries)));

const metadata = fields({
  name: v.pipe(text, v.nonEmpty()),
  namespace: optionalText,
  uid: optionalText,
  resourceVersion: optionalText,
  generation: number,
  labels: texts,
  annotations: texts,
  deletionTimestamp: optionalText,
  deletionGracePeriodSeconds: number,
  ownerReferences: optionalList({ kind: text, name: optionalText, uid: optionalText }),
  managedFields: optionalList({ manager: optionalText, time: optionalText, subresource: optionalText }),
});

const requirements = optionalList({ key: text, operator: text, values: v.optional(v.array(text)) });
const nodeAffinity = fields({
  requiredDuringSchedulingIgnoredDuringExecution: v.optional(
    fields({
      nodeSelectorTerms: v.array(fields({ matchExpressions: requirements, matchFields: requirements })),
    }),
  ),
});

const containerPorts = optionalList({
  name: optionalText,
  containerPort: v.number(),
  protocol: optionalText,
});

const podSpec = fields({
  nodeName: optionalText,
  nodeSelector: texts,
  affinity: v.optional(fields({ nodeAffinity: v.optional(nodeAffinity) })),
  tolerations: optionalList({ key: optionalText, operator: optionalText, effect: optionalText }),
  containers: v.optional(
    v.array(
      fields({
        image: optionalText,
        command: v.optional(v.array(text)),
        args: v.optional(v.array(text)),
        env: optionalList({ name: text }),
        ports: containerPorts,
        volumeMounts: optionalList({ name: text, mountPath: text }),
      }),
    ),
  ),
  initContainers: optionalList({ restartPolicy: optionalText, ports: containerPorts }),
  hostNetwork: v.optional(v.boolean()),
  readinessGates: optionalList({ conditionType: text }),
  volumes: optionalList({ name: text, configMap: v.optional(fields({ name: optionalText })) }),
});

const conditions = optionalList({ type: text, status: text, reason: optionalText });
const terminated = v.optional(fields({ exitCode: v.number(), reason: optionalText, message: optionalText }));
const state = v.optional(
  fields({ waiting: v.optional(fields({ reason: optionalText, message: optionalText })), terminated }),
);

const object = fields({ metadata });

/** What is looked at in objects of each kind, by its plural; of all others the metadata. */
const shapes: ReadonlyMap<string, v.GenericSchema> = new Map(
  Object.entries({
    nodes: fields({
      metadata,
      spec: fields({
        taints: optionalList({ key: text, value: optionalText, effect: text }),
        podCIDRs: v.optional(v.array(text)),
        unschedulable: v.optional(v.boolean()),
      }),
      status: fields({
        conditions,
        addresses: optionalList({ address: text }),
        nodeInfo: v.optional(
          fields({ kubeletVersion: text, kernelVersion: optionalText, osImage: optionalText }),
        ),
      }),
    }),
    pods: fields({
      metadata,
      spec: podSpec,
      status: fields({
        phase: optionalText,
        podIP: optionalText,
        podIPs: optionalList({ ip: text }),
        reason: optionalText,
        conditions,
        initContainerStatuses: optionalList({ state }),
        containerStatuses: optionalList({ restartCount: number, state, lastState: state }),
      }),
    }),
    daemonsets: fields({
      metadata,
      spec: fields({
        selector: v.optional(fields({ matchLabels: texts })),
        template: fields({
          metadata: fields({ labels: texts, annotations: texts }),
          spec: v.optional(podSpec),
        }),
      }),
      status: fields({
        desiredNumberScheduled: number,
        numberAvailable: number,
        updatedNumberScheduled: number,
        observedGeneration: number,
      }),
    }),
    controllerrevisions: fields({ metadata, revision: v.number() }),
    configmaps: fields({ metadata, data: texts }),
    services: fields({
      metadata,
      spec: fields({
        type: optionalText,
        selector: texts,
        ports: optionalList({
          name: optionalText,
          protocol: optionalText,
          port: number,
          targetPort: v.optional(v.union([v.number(), text])),
          nodePort: number,
          appProtocol: optionalText,
        }),
        clusterIP: optionalText,
        clusterIPs: optionalTexts,
        externalName: optionalText,
        ipFamilies: optionalTexts,
        ipFamilyPolicy: optionalText,
        internalTrafficPolicy: optionalText,
        externalTrafficPolicy: optionalText,
        trafficDistribution: optionalText,
        sessionAffinity: optionalText,
        sessionAffinityConfig: v.optional(
          fields({ clientIP: v.optional(fields({ timeoutSeconds: number })) }),
        ),
        publishNotReadyAddresses: v.optional(v.boolean()),
        externalIPs: optionalTexts,
        loadBalancerSourceRanges: optionalTexts,
        loadBalancerClass: optionalText,
        healthCheckNodePort: number,
      }),
      status: v.optional(
        fields({
          loadBalancer: v.optional(
            fields({
              ingress: optionalList({ ip: optionalText, hostname: optionalText, ipMode: optionalText }),
            }),
          ),
        }),
      ),
    }),
    endpointslices: fields({
      metadata,
      addressType: optionalText,
      ports: v.nullish(
        v.array(fields({ name: v.nullish(text), protocol: v.nullish(text), port: v.nullish(v.number()) })),
      ),
      endpoints: v.nullish(
        v.array(
          fields({
            addresses: v.array(text),
            nodeName: optionalText,
            conditions: v.optional(
              fields({ ready: optionalBoolean, serving: optionalBoolean, terminating: optionalBoolean }),
            ),
            targetRef: v.optional(fields({ kind: optionalText, name: optionalText })),
            hints: v.optional(
              fields({ forZones: optionalList({ name: text }), forNodes: optionalList({ name: text }) }),
            ),
          }),
        ),
      ),
    }),
    endpoints: fields({
      metadata,
      subsets: v.nullish(
        v.array(
          fields({ addresses: optionalList({ ip: text }), notReadyAddresses: optionalList({ ip: text }) }),
        ),
      ),
    }),
    networkpolicies: fields({
      metadata,
      spec: v.optional(
        fields({
          podSelector: v.optional(fields({ matchLabels: texts, matchExpressions: requirements })),
          policyTypes: optionalTexts,
          ingress: optionalList({
            from: optionalList({}),
            ports: optionalList({
              protocol: optionalText,
              port: v.optional(v.union([v.number(), text])),
              endPort: number,
            }),
          }),
        }),
      ),
    }),
    servicecidrs: fields({ metadata, spec: fields({ cidrs: optionalTexts }) }),
  }),
);

/**
 * Why an answer is not the object that was asked for, in a few words; undefined when it is.
 *
 * @param plural - of the kind, such as `daemonsets`
 */
export function objectFault(plural: string, answer: unknown): string | undefined {
  return faultOf(shapes.get(plural) ?? object, answer);
}

/**
 * Why an answer is not a list of objects; undefined when it is.
 *
 * @param plural - see {@link objectFault}; undefined for objects of which there is the metadata alone
 */
export function listFault(plural: string | undefined, answer: unknown): string | undefined {
  const item = shapes.get(plural ?? "") ?? object;
  const page = fields({
    // An empty list of metadata alone is null.
    items: v.nullable(v.array(item)),
    metadata: v.optional(fields({ continue: optionalText })),
  });
  return faultOf(page, answer);
}

function faultOf(schema: v.GenericSchema, answer: unknown): string | undefined {
  const [issue] = v.safeParse(schema, answer, { abortEarly: true }).issues ?? [];
  if (issue === undefined) return undefined;
  const path = v.getDotPath(issue) ?? "it";
  return issue.received === "undefined" ? `${path} is missing` : `${path} is of another type`;
}
