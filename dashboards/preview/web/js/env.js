// What panels are given: the time, the variables, and what they may do to the page.
import { interpolate } from './interpolate.js';

export class Env {
  constructor(shared, scoped = {}) {
    this.shared = shared;
    this.scoped = scoped;
  }

  scope(scoped) {
    return Object.keys(scoped).length ? new Env(this.shared, { ...this.scoped, ...scoped }) : this;
  }

  lookup(name) {
    if (this.scoped[name]) return this.scoped[name];
    const { time, dashboard } = this.shared;
    switch (name) {
      case '__from':
        return String(time.from);
      case '__to':
        return String(time.to);
      case '__range':
        return `${Math.round((time.to - time.from) / 1000)}s`;
      case '__dashboard':
        return dashboard?.title;
      default:
        return this.shared.variables?.lookup(name);
    }
  }

  text(text, format) {
    return interpolate(text, (name) => this.lookup(name), format);
  }

  get time() {
    return this.shared.time;
  }
  get utc() {
    return this.shared.dashboard?.timezone === 'utc';
  }
  get crosshair() {
    return (this.shared.dashboard?.graphTooltip ?? 0) > 0;
  }
  get variables() {
    return this.shared.variables;
  }
  get annotations() {
    return this.shared.annotations;
  }
  get all() {
    return this.shared.all;
  }
  get uids() {
    return this.shared.uids;
  }
  get viewed() {
    return this.shared.viewed;
  }
  zoom(from, to) {
    this.shared.actions.zoom(from, to);
  }
  zoomOut() {
    this.shared.actions.zoomOut();
  }
  view(id) {
    this.shared.actions.view(id);
  }
}
