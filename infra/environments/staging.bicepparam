using '../main.bicep'

param environmentName = 'staging'
param bots = [
  {
    slug: 'operations'
    operators: ''
  }
]
param operatorsGroupId = '00000000-0000-0000-0000-000000000000'
param alertEmail = 'operators@example.com'
param alertsEnabled = false
param logGigabytesPerDay = '0.05'
param maximumInstances = 2
