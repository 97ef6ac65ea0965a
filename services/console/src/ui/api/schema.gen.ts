// Made by generate.ts from the OpenAPI document; not to be edited.
export interface paths {
    "/api/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts and what became of them */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: number;
                    outcome?: "incident" | "suppressed" | "quarantined";
                    service?: string;
                    status?: "firing" | "resolved";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                annotations: {
                                    [key: string]: string;
                                };
                                /** Format: date-time */
                                endsAt?: string;
                                fingerprint: string;
                                incidentId?: string;
                                labels: {
                                    [key: string]: string;
                                };
                                name: string;
                                /** @enum {string} */
                                outcome: "incident" | "suppressed" | "quarantined";
                                reason?: string;
                                /** Format: date-time */
                                receivedAt: string;
                                service?: string;
                                /** @enum {string} */
                                severity: "critical" | "warning" | "info";
                                source: string;
                                /** Format: date-time */
                                startsAt: string;
                                /** @enum {string} */
                                status: "firing" | "resolved";
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What people are asked, the newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    incidentId?: string;
                    limit?: number;
                    state?: "pending" | "approved" | "denied" | "expired";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                /** Format: date-time */
                                decidedAt?: string;
                                decidedBy?: string;
                                digest: string;
                                effect: string;
                                emergency: boolean;
                                emergencyOnly: boolean;
                                /** Format: date-time */
                                expiresAt: string;
                                id: string;
                                incidentId: string;
                                proposedBy: string;
                                reason: string;
                                /** Format: date-time */
                                requestedAt: string;
                                /** @enum {string} */
                                risk: "low" | "medium" | "high";
                                runId: string;
                                /** @enum {string} */
                                state: "pending" | "approved" | "denied" | "expired";
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Yes to exactly the digest that was seen */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        digest: string;
                        emergency?: boolean;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: date-time */
                            decidedAt?: string;
                            decidedBy?: string;
                            digest: string;
                            effect: string;
                            emergency: boolean;
                            emergencyOnly: boolean;
                            /** Format: date-time */
                            expiresAt: string;
                            id: string;
                            incidentId: string;
                            proposedBy: string;
                            reason: string;
                            /** Format: date-time */
                            requestedAt: string;
                            /** @enum {string} */
                            risk: "low" | "medium" | "high";
                            runId: string;
                            /** @enum {string} */
                            state: "pending" | "approved" | "denied" | "expired";
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/deny": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** No; the run ends */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        digest: string;
                        emergency?: boolean;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: date-time */
                            decidedAt?: string;
                            decidedBy?: string;
                            digest: string;
                            effect: string;
                            emergency: boolean;
                            emergencyOnly: boolean;
                            /** Format: date-time */
                            expiresAt: string;
                            id: string;
                            incidentId: string;
                            proposedBy: string;
                            reason: string;
                            /** Format: date-time */
                            requestedAt: string;
                            /** @enum {string} */
                            risk: "low" | "medium" | "high";
                            runId: string;
                            /** @enum {string} */
                            state: "pending" | "approved" | "denied" | "expired";
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The journal, the newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: number;
                    limit?: number;
                    subject?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                action: string;
                                actor: string;
                                /** Format: date-time */
                                at: string;
                                readonly body: {
                                    [key: string]: unknown;
                                };
                                hash: string;
                                seq: number;
                                subject: string;
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Walks the whole chain of hashes */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            head?: {
                                hash: string;
                                seq: number;
                            };
                            /** @enum {string} */
                            kind: "intact" | "broken";
                            seq?: number;
                            text?: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/autonomy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Proposals, promotions and demotions of runbooks, the newest first */
        get: {
            parameters: {
                query?: {
                    runbook?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                at: string;
                                by: string;
                                environment: string;
                                id: string;
                                /** @enum {string} */
                                kind: "proposed" | "promoted" | "declined" | "demoted";
                                reason: string;
                                runbook: string;
                                runId?: string;
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Dead letters, the newest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: number;
                    state?: "held" | "replayed" | "dropped";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                /** Format: date-time */
                                at: string;
                                body: string;
                                code: string;
                                /** Format: date-time */
                                decidedAt?: string;
                                decidedBy?: string;
                                headers: {
                                    [key: string]: string;
                                };
                                id: string;
                                origin: {
                                    group: string;
                                    offset: string;
                                    partition: number;
                                    topic: string;
                                };
                                reason: string;
                                /** @enum {string} */
                                state: "held" | "replayed" | "dropped";
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letters/{id}/drop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put it away */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letters/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send it again to where it came from */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Incidents, the latest first */
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: number;
                    service?: string;
                    severity?: string | string[];
                    state?: string | string[];
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                acknowledgedBy?: string;
                                alertCount: number;
                                cause?: {
                                    confidence: number;
                                    /** @enum {string} */
                                    kind: "resource" | "code-error" | "dependency-latency" | "crash" | "change" | "saturation" | "hang" | "external";
                                    service: string;
                                };
                                /** Format: date-time */
                                closedAt?: string;
                                escalation?: string;
                                id: string;
                                scope: string;
                                service?: string;
                                /** @enum {string} */
                                severity: "critical" | "warning" | "info";
                                /** Format: date-time */
                                startedAt: string;
                                /** @enum {string} */
                                state: "open" | "investigating" | "mitigating" | "awaiting-approval" | "verifying" | "resolved" | "closed" | "escalated";
                                title: string;
                                /** Format: date-time */
                                updatedAt: string;
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One incident in full */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledgedBy?: string;
                            alertCount: number;
                            analysis: string;
                            cause?: {
                                confidence: number;
                                /** @enum {string} */
                                kind: "resource" | "code-error" | "dependency-latency" | "crash" | "change" | "saturation" | "hang" | "external";
                                service: string;
                            };
                            causes: {
                                confidence: number;
                                evidence: {
                                    chart?: {
                                        baseline?: number;
                                        onsetAt?: number;
                                        samples: [
                                            number,
                                            number | null
                                        ][];
                                        threshold?: number;
                                        unit: string;
                                    };
                                    id: string;
                                    /** @enum {string} */
                                    kind: "alert" | "metric" | "log" | "trace" | "change" | "topology";
                                    link?: string;
                                    query?: string;
                                    service?: string;
                                    text: string;
                                }[];
                                /** @enum {string} */
                                kind: "resource" | "code-error" | "dependency-latency" | "crash" | "change" | "saturation" | "hang" | "external";
                                score: number;
                                service: string;
                                text: string;
                            }[];
                            /** Format: date-time */
                            closedAt?: string;
                            escalation?: string;
                            evidence?: {
                                chart?: {
                                    baseline?: number;
                                    onsetAt?: number;
                                    samples: [
                                        number,
                                        number | null
                                    ][];
                                    threshold?: number;
                                    unit: string;
                                };
                                id: string;
                                /** @enum {string} */
                                kind: "alert" | "metric" | "log" | "trace" | "change" | "topology";
                                link?: string;
                                query?: string;
                                service?: string;
                                text: string;
                            }[];
                            feedback?: {
                                /** Format: date-time */
                                at: string;
                                by: string;
                                note: string;
                                right: boolean;
                            };
                            id: string;
                            links: {
                                gitlab?: string;
                            };
                            members: {
                                annotations: {
                                    [key: string]: string;
                                };
                                /** Format: date-time */
                                endsAt?: string;
                                fingerprint: string;
                                generatorURL?: string;
                                labels: {
                                    [key: string]: string;
                                };
                                name: string;
                                reasons: {
                                    kind: string;
                                    text: string;
                                    weight: number;
                                }[];
                                /** @enum {string} */
                                role: "root" | "symptom" | "member";
                                service?: string;
                                /** @enum {string} */
                                severity: "critical" | "warning" | "info";
                                /** Format: date-time */
                                startsAt: string;
                                /** @enum {string} */
                                status: "firing" | "resolved";
                            }[];
                            mergedInto?: string;
                            missing?: string[];
                            narration?: {
                                /** Format: date-time */
                                at: string;
                                model: {
                                    costUsd?: number;
                                    model: string;
                                    prompt: {
                                        hash: string;
                                        name: string;
                                        version: number;
                                    };
                                    provider: string;
                                };
                                sentences: {
                                    evidence: string[];
                                    text: string;
                                }[];
                                short: string;
                            };
                            runs: {
                                digest: string;
                                /** Format: date-time */
                                finishedAt?: string;
                                id: string;
                                incidentId: string;
                                parameters: {
                                    [key: string]: string;
                                };
                                reason?: string;
                                /** Format: date-time */
                                requestedAt: string;
                                runbook: string;
                                /** @enum {string} */
                                state: "requested" | "awaiting-approval" | "denied" | "refused" | "running" | "succeeded" | "failed" | "unknown";
                                steps: {
                                    /** Format: date-time */
                                    finishedAt?: string;
                                    id: string;
                                    output?: string;
                                    /** @enum {string} */
                                    role: "act" | "undo";
                                    /** Format: date-time */
                                    startedAt?: string;
                                    /** @enum {string} */
                                    state: "pending" | "running" | "succeeded" | "failed" | "skipped" | "undone" | "unknown";
                                    verb: string;
                                }[];
                                title: string;
                            }[];
                            scope: string;
                            service?: string;
                            /** @enum {string} */
                            severity: "critical" | "warning" | "info";
                            /** Format: date-time */
                            startedAt: string;
                            /** @enum {string} */
                            state: "open" | "investigating" | "mitigating" | "awaiting-approval" | "verifying" | "resolved" | "closed" | "escalated";
                            timeline: {
                                /** Format: date-time */
                                at: string;
                                id: string;
                                kind: string;
                                text: string;
                            }[];
                            title: string;
                            unsettled?: string;
                            /** Format: date-time */
                            updatedAt: string;
                            /** @enum {string} */
                            verdict: "cause" | "inconclusive" | "pending";
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that a person has seen it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        /** @default  */
                        reason?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged: boolean;
                            id: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Close it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        /** @default  */
                        reason?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/escalate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Hand it to a person */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        /** @default  */
                        reason?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the stream of an incident has told, page by page in its order; `next` goes into `after` */
        get: {
            parameters: {
                query?: {
                    after?: number;
                    limit?: number;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                /** Format: date-time */
                                at: string;
                                /** @enum {string} */
                                event: "thought" | "action" | "incident";
                                evidence?: string[];
                                id: string;
                                incidentId: string;
                                kind: string;
                                model?: {
                                    costUsd?: number;
                                    model: string;
                                    prompt: {
                                        hash: string;
                                        name: string;
                                        version: number;
                                    };
                                    provider: string;
                                };
                                phase?: string;
                                text: string;
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/feedback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say whether the cause that was found is the right one */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        /** @default  */
                        note?: string;
                        right: boolean;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            at: string;
                            /** @default console */
                            by: string;
                            /** @default  */
                            note: string;
                            right: boolean;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/guidance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Runbooks that a person follows for it: those begun, with their ticks, and those that read like it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                at: string;
                                by: string;
                                digest: string;
                                guidance: string;
                                path: string;
                                readonly steps: {
                                    section: string;
                                    text: string;
                                }[];
                                readonly ticks: {
                                    at: string;
                                    by: string;
                                    note: string;
                                    position: number;
                                }[];
                                title: string;
                            }[];
                            readonly suggestions: {
                                readonly because: string[];
                                id: string;
                                path: string;
                                similarity: number;
                                steps: number;
                                title: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        /** Begin to follow one */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        guidance: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                at: string;
                                by: string;
                                digest: string;
                                guidance: string;
                                path: string;
                                readonly steps: {
                                    section: string;
                                    text: string;
                                }[];
                                readonly ticks: {
                                    at: string;
                                    by: string;
                                    note: string;
                                    position: number;
                                }[];
                                title: string;
                            }[];
                            readonly suggestions: {
                                readonly because: string[];
                                id: string;
                                path: string;
                                similarity: number;
                                steps: number;
                                title: string;
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/guidance/{guidance}/steps/{position}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tick a step off, or take the tick away */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    guidance: string;
                    id: string;
                    position: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        done: boolean;
                        /** @default  */
                        note?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                at: string;
                                by: string;
                                digest: string;
                                guidance: string;
                                path: string;
                                readonly steps: {
                                    section: string;
                                    text: string;
                                }[];
                                readonly ticks: {
                                    at: string;
                                    by: string;
                                    note: string;
                                    position: number;
                                }[];
                                title: string;
                            }[];
                            readonly suggestions: {
                                readonly because: string[];
                                id: string;
                                path: string;
                                similarity: number;
                                steps: number;
                                title: string;
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put its alerts into another incident */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        into: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            /** @enum {boolean} */
                            requested: true;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/similar": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Past incidents like it, and what helped */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            by: "pgvector" | "exact";
                            readonly fixes: {
                                helped: number;
                                runbook: string;
                                title: string;
                                tried: number;
                            }[];
                            hypothesis?: {
                                /** @enum {string} */
                                kind: "resource" | "code-error" | "dependency-latency" | "crash" | "change" | "saturation" | "hang" | "external";
                                of: number;
                                service: string;
                                times: number;
                            };
                            readonly items: {
                                helped?: string;
                                incident: {
                                    acknowledgedBy?: string;
                                    alertCount: number;
                                    cause?: {
                                        confidence: number;
                                        /** @enum {string} */
                                        kind: "resource" | "code-error" | "dependency-latency" | "crash" | "change" | "saturation" | "hang" | "external";
                                        service: string;
                                    };
                                    /** Format: date-time */
                                    closedAt?: string;
                                    escalation?: string;
                                    id: string;
                                    scope: string;
                                    service?: string;
                                    /** @enum {string} */
                                    severity: "critical" | "warning" | "info";
                                    /** Format: date-time */
                                    startedAt: string;
                                    /** @enum {string} */
                                    state: "open" | "investigating" | "mitigating" | "awaiting-approval" | "verifying" | "resolved" | "closed" | "escalated";
                                    title: string;
                                    /** Format: date-time */
                                    updatedAt: string;
                                };
                                readonly reasons: string[];
                                similarity: number;
                            }[];
                            readonly text: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/split": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take alerts out into an incident of their own */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        fingerprints: string[];
                    };
                };
            };
            responses: {
                /** @description Default Response */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            /** @enum {boolean} */
                            requested: true;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One incident, live, from its first event (server-sent events) */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/red-button": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Is all automation stopped? */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: date-time */
                            changedAt?: string;
                            changedBy: string;
                            isOn: boolean;
                            name: string;
                            reason: string;
                        };
                    };
                };
            };
        };
        put?: never;
        /** Stop or allow all automation */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        on: boolean;
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            changed: boolean;
                            /** Format: date-time */
                            changedAt?: string;
                            changedBy: string;
                            isOn: boolean;
                            name: string;
                            reason: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runbooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The runbook library, its lint state and its record */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                autonomy: string;
                                digest: string;
                                id: string;
                                matches: unknown;
                                path: string;
                                readonly problems: unknown[];
                                record: {
                                    isDemoted: boolean;
                                    regressions: number;
                                    runs: number;
                                    succeeded: number;
                                    text: string;
                                };
                                /** @enum {string} */
                                risk: "low" | "medium" | "high";
                                readonly steps: {
                                    id: string;
                                    verb: string;
                                }[];
                                readonly tags: string[];
                                title: string;
                            }[];
                            next: string | null;
                            readonly refused: unknown[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runbooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One runbook with its text */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            autonomy: string;
                            digest: string;
                            id: string;
                            path: string;
                            /** @enum {string} */
                            risk: "low" | "medium" | "high";
                            readonly tags: string[];
                            text: string;
                            title: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runbooks/{id}/autonomy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let it act by itself where its record allows it, decline that, or take it away */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default console */
                        by?: string;
                        /** @enum {string} */
                        decision: "promoted" | "declined" | "demoted";
                        environment: string;
                        /** @default  */
                        reason?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            at: string;
                            by: string;
                            environment: string;
                            id: string;
                            /** @enum {string} */
                            kind: "proposed" | "promoted" | "declined" | "demoted";
                            reason: string;
                            runbook: string;
                            runId?: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Services and their health */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                readonly dependsOn: string[];
                                /** @enum {string} */
                                health: "ok" | "incident" | "down" | "unknown";
                                id: string;
                                now: {
                                    [key: string]: number;
                                };
                                openIncidents: number;
                                replicas?: number;
                                revision?: string;
                                /** @enum {string} */
                                severity?: "critical" | "warning" | "info";
                            }[];
                            next: string | null;
                            readonly partial: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/services/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a service logged, as templates with counts */
        get: {
            parameters: {
                query?: {
                    from?: number;
                    to?: number;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            lines: number;
                            readonly partial: string[];
                            readonly templates: {
                                count: number;
                                readonly examples: {
                                    /** Format: date-time */
                                    at: string;
                                    message: string;
                                }[];
                                /** Format: date-time */
                                firstAt: string;
                                /** Format: date-time */
                                lastAt: string;
                                /** @enum {string} */
                                level: "debug" | "info" | "warn" | "error";
                                readonly spread: number[];
                                text: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/services/{id}/signals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The signals of a service over a window, and what was changed in it */
        get: {
            parameters: {
                query?: {
                    from?: number;
                    to?: number;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly changes: {
                                /** Format: date-time */
                                at: string;
                                id: string;
                                /** @enum {string} */
                                kind: "deployment" | "configuration" | "scaling" | "restart";
                                link?: string;
                                previousVersion?: string;
                                service: string;
                                text: string;
                                version?: string;
                            }[];
                            readonly items: {
                                query: string;
                                readonly samples: [
                                    number,
                                    number | null
                                ][];
                                /** @enum {string} */
                                signal: "up" | "request_rate" | "error_ratio" | "latency_p95" | "cpu" | "memory" | "heap" | "restarts" | "oom_kills" | "event_loop_lag" | "saturation";
                            }[];
                            readonly partial: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The effective configuration, secrets taken out */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly groups: {
                                name: string;
                                readonly settings: {
                                    value: string;
                                    variable: string;
                                }[];
                            }[];
                            version: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How the platform has done */
        get: {
            parameters: {
                query?: {
                    hours?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            alerts: number;
                            escalated: number;
                            incidents: number;
                            noiseReduction: number | null;
                            open: number;
                            quarantined: number;
                            runs: number;
                            suppressed: number;
                            timeToAcknowledgeSeconds: number | null;
                            timeToDetectSeconds: number | null;
                            timeToResolveSeconds: number | null;
                            undoRate: number | null;
                            verifiedFixRate: number | null;
                            windowSeconds: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stats/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The figures by time and by service */
        get: {
            parameters: {
                query?: {
                    hours?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly buckets: {
                                alerts: number;
                                /** Format: date-time */
                                at: string;
                                incidents: number;
                                runs: number;
                                succeeded: number;
                                timeToAcknowledgeSeconds: number | null;
                                timeToDetectSeconds: number | null;
                                timeToResolveSeconds: number | null;
                            }[];
                            bucketSeconds: number;
                            feedback: {
                                right: number;
                                wrong: number;
                            };
                            readonly services: {
                                incidents: number;
                                open: number;
                                runs: number;
                                service: string;
                                succeeded: number;
                                timeToResolveSeconds: number | null;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that happens, live (server-sent events) */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stream/position": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The id of the newest event: a client that opens the stream with it as `lastEventId` misses nothing from here on */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/topology": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who calls whom */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            edges?: {
                                from: string;
                                /** Format: date-time */
                                seenAt?: string;
                                sources: ("file" | "lab" | "calls")[];
                                strength: number;
                                to: string;
                            }[];
                            services: {
                                /** @default [] */
                                dependsOn: string[];
                                id: string;
                                /** @default {} */
                                labels: {
                                    [key: string]: string;
                                };
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/topology/edges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calls, errors and latency between services */
        get: {
            parameters: {
                query?: {
                    from?: number;
                    to?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            readonly items: {
                                calls: number;
                                errors: number;
                                from: string;
                                p95Ms: number;
                                to: string;
                            }[];
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: never;
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
