import { bridge } from "@tocsin/bridge/module";
import { chaosApi } from "@tocsin/chaos-api/module";
import { consoleModule } from "@tocsin/console/module";
import { correlator } from "@tocsin/correlator/module";
import { executor } from "@tocsin/executor/module";
import { gitlabSync } from "@tocsin/gitlab-sync/module";
import type { Module } from "@tocsin/host";
import { lab } from "@tocsin/lab/module";
import { sreAgent } from "@tocsin/sre-agent/module";

/** Every module of the product, in the order of their start: whoever receives stands before whoever sends. */
export const MODULES: readonly Module[] = [correlator, sreAgent, executor, gitlabSync, chaosApi, consoleModule, bridge, lab];
