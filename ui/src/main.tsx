import { render } from 'preact';

import './theme.css';
import './parts/parts.css';
import './app.css';
import { App } from './app.tsx';
import { startPreferences } from './preferences.ts';
import { startRouter } from './router.ts';

startPreferences();
startRouter();
const page = document.getElementById('page');
if (page !== null) render(<App />, page);
